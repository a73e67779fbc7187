// What Claude Desktop makes of an unpacked bundle and of what was filled in on its settings page.
// node configuration.mjs FOLDER SETTINGS
import { readFileSync } from "node:fs";
import { getMcpConfigForManifest } from "@anthropic-ai/mcpb";

const [extensionPath, settings] = process.argv.slice(2);
const configuration = await getMcpConfigForManifest({
  manifest: JSON.parse(readFileSync(`${extensionPath}/manifest.json`, "utf8")),
  extensionPath,
  systemDirs: {},
  userConfig: JSON.parse(settings),
  pathSeparator: "/",
});
console.log(JSON.stringify(configuration));
