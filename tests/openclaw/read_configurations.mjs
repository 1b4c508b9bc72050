// Reads configurations with OpenClaw's own loader: one JSON list of {environ} on stdin, one of {port, token, password} out.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const { createConfigIO, resolveConfigPath, resolveGatewayPort, resolveSecretInputRef } = await import(
  pathToFileURL(join(process.argv[2], "dist", "config", "config.js")).href
);
const quiet = { info() {}, warn() {}, error() {}, debug() {} };
const answers = [];
for (const environ of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    const env = { ...environ };
    const configPath = resolveConfigPath(env);
    const io = createConfigIO({ env, configPath, logger: quiet, observe: false, pluginValidation: "core-only" });
    const source = await io.readSourceConfigBestEffort();
    const auth = source.gateway?.auth ?? {};
    const one = (value) => {
      const ref = resolveSecretInputRef({ value, defaults: source.secrets?.defaults }).ref;
      return ref?.source === "env" && typeof value === "object" ? env[ref.id] : value;
    };
    answers.push({
      port: resolveGatewayPort(source, env), mode: auth.mode ?? null,
      token: one(auth.token) ?? null, password: one(auth.password) ?? null,
    });
  } catch (error) {
    answers.push({ error: String(error) });
  }
}
process.stdout.write(JSON.stringify(answers));
process.exit(0);
