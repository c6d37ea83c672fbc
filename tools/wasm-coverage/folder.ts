/** The environment variable that names the folder for the marks of a coverage run. */
export const FOLDER_VARIABLE = "BUNNEL_COVERAGE_DIR";
