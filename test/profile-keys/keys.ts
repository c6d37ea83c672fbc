// Every key that a profile can have, as the schema for editors names them: "enabled", "device.mtu", "rule.hosts".
import { profileJsonSchema } from "@bunnel/profile";

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

export function profileKeys(): string[] {
  const { properties = {} } = profileJsonSchema() as Schema;
  return Object.entries(properties).flatMap(([name, schema]) => {
    const inner = schema.properties ?? schema.items?.properties;
    return inner === undefined ? [name] : Object.keys(inner).map((key) => `${name}.${key}`);
  });
}
