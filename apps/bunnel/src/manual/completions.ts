// Scripts that complete command lines, one for each shell. They hold every command and option, and start nothing.
import { allCommands, type CommandInfo, type OptionInfo } from "./tree.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

export function completions(shell: Shell, root: CommandInfo): string {
  if (shell === "bash") return bash(root);
  return shell === "zsh" ? zsh(root) : fish(root);
}

function namesOf(options: readonly OptionInfo[]): string[] {
  return options.flatMap(({ names }) => names);
}

/** What can follow: commands below, options, and --help, which every command has. */
function wordsOf({ path, commands, options }: CommandInfo): string {
  const below = commands.map((command) => command.path.slice(path.length).trim());
  return [...below, ...namesOf(options), "--help"].join(" ");
}

function bash(root: CommandInfo): string {
  const cases = allCommands(root).map((command) => `    "${command.path}") words="${wordsOf(command)}" ;;`);
  const paths = allCommands(root)
    .map(({ path }) => `"${path}"`)
    .slice(1);
  return `# Completion of bunnel for bash: source it, or put it into /etc/bash_completion.d.
_bunnel() {
  local word path="" longer words="" known=(${paths.join(" ")})
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    longer="\${path:+$path }$word"
    [[ " \${known[*]/#/|} " == *"|$longer "* ]] && path=$longer
  done
  case $path in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _bunnel bunnel
`;
}

/** Words in single quotes. */
function single(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function zsh(root: CommandInfo): string {
  const described = (command: CommandInfo): string => {
    const below = command.commands.map(({ path, about }) => [path.slice(command.path.length).trim(), about] as const);
    const options = command.options.flatMap(({ names, about }) => names.map((name) => [name, about] as const));
    const words = [...below, ...options, ["--help", "display help for command"] as const];
    return words.map(([name, about]) => single(`${name.replaceAll(":", "\\:")}:${about}`)).join(" ");
  };
  const cases = allCommands(root).map((command) => `    "${command.path}") words=(${described(command)}) ;;`);
  const paths = allCommands(root)
    .map(({ path }) => single(path))
    .slice(1);
  return `#compdef bunnel
# Completion of bunnel for zsh: put it as _bunnel into a folder of $fpath.
_bunnel() {
  local word path="" longer
  local -a words_ known=(${paths.join(" ")})
  local -a line=("\${words[@]:1:$((CURRENT - 2))}")
  for word in $line; do
    longer="\${path:+$path }$word"
    (( \${known[(Ie)$longer]} )) && path=$longer
  done
  case $path in
${cases.join("\n").replaceAll(") words=(", ") words_=(")}
  esac
  _describe bunnel words_ || _files
}
compdef _bunnel bunnel
`;
}

function fish(root: CommandInfo): string {
  const lines = allCommands(root).flatMap((command) => {
    const condition = command.path === "" ? "__fish_use_subcommand" : seen(command);
    const below = command.commands.map(
      ({ path, about }) =>
        `complete -c bunnel -f -n ${single(condition)} -a ${path.split(" ").at(-1)} -d ${single(about)}`,
    );
    const options = command.options.map(({ names, value, about }) => {
      const short = names.find((name) => !name.startsWith("--"));
      const long = names.find((name) => name.startsWith("--"));
      const flags = [short && `-s ${short.slice(1)}`, long && `-l ${long.slice(2)}`, value && "-r"];
      const given = flags.filter((flag) => flag !== undefined && flag !== "");
      return `complete -c bunnel -n ${single(condition)} ${given.join(" ")} -d ${single(about)}`;
    });
    return [...below, ...options];
  });
  const head = "# Completion of bunnel for fish: put it as bunnel.fish into ~/.config/fish/completions.";
  return `${[head, ...lines].join("\n")}\n`;
}

function seen({ path }: CommandInfo): string {
  return path
    .split(" ")
    .map((word) => `__fish_seen_subcommand_from ${word}`)
    .join("; and ");
}
