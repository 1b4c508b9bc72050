// Faults that no model provider can cause, for tests of livewatch: each is a gateway method, a tool or a hook.
import { readdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { setActiveEmbeddedRun } from "openclaw/plugin-sdk/agent-harness-runtime";
import { definePluginEntry } from "openclaw/plugin-sdk/plugin-entry";

const NEVER = new Promise(() => {});
const STRAY_TASK = 900_000_001;
const STUCK_BEFORE_MODEL = "fault=stuck-before-model";

function lanes() {
  return globalThis[Symbol.for("openclaw.commandQueueState")].lanes;
}

// A task that nobody runs takes the session's lane, as a bookkeeping error would leave it.
function holdLane({ sessionKey }) {
  const lane = `session:${sessionKey}`;
  if (!lanes().has(lane)) {
    // The shape of a lane's state in 2026.9.6, borrowed from a lane that exists.
    const like = lanes().values().next().value;
    const empty = () => ({ head: undefined, tail: undefined, length: 0 });
    lanes().set(lane, {
      ...like,
      lane,
      queue: { background: empty(), normal: empty(), foreground: empty(), length: 0 },
      activeTaskIds: new Set(),
      maxConcurrent: 1,
      draining: false,
      generation: 0,
    });
  }
  lanes().get(lane).activeTaskIds.add(STRAY_TASK);
  return laneOf({ sessionKey });
}

function laneOf({ sessionKey }) {
  const lane = lanes().get(`session:${sessionKey}`);
  return { active: lane?.activeTaskIds.size ?? 0, queued: lane?.queue.length ?? 0 };
}

// What waits is set going by the gateway's own reset, whose exported name is minified: it is found by its real one.
async function freeLane({ sessionKey }) {
  const folder = dirname(realpathSync(process.argv[1])) + "/dist";
  const chunk = readdirSync(folder).find((name) => /^command-queue-.*\.mjs$/.test(name));
  const exported = Object.values(await import(pathToFileURL(join(folder, chunk)).href));
  exported.find((found) => found?.name === "resetCommandLane")(`session:${sessionKey}`);
  return laneOf({ sessionKey });
}

// A run that is registered and that nobody serves: its owner is gone, its handle stayed.
function orphanRun({ sessionKey, sessionId, runId }) {
  const handle = {
    kind: "embedded",
    runId,
    queueMessage: () => NEVER,
    isStreaming: () => true,
    isCompacting: () => false,
    abort: () => {},
    cancel: () => {},
  };
  setActiveEmbeddedRun(sessionId, handle, sessionKey);
  return { runId };
}

function busyInsideAPlugin({ ms }) {
  const ends = performance.now() + ms;
  while (performance.now() < ends);
  return { ms };
}

export default definePluginEntry({
  id: "livewatch-faults",
  name: "Faults on demand",
  description: "Breaks the gateway of a test in ways that no provider can",
  register(api) {
    const methods = {
      "faults.hold-lane": holdLane,
      "faults.free-lane": freeLane,
      "faults.lane": laneOf,
      "faults.orphan-run": orphanRun,
      "faults.block-loop": busyInsideAPlugin,
    };
    for (const [name, act] of Object.entries(methods)) {
      const answer = async ({ params, respond }) => respond(true, await act(params), undefined);
      api.registerGatewayMethod(name, answer, { scope: "operator.write" });
    }
    api.registerTool({
      name: "wait_forever",
      description: "Never returns and ignores the signal that should end it",
      parameters: { type: "object", properties: {}, additionalProperties: false },
      execute: () => NEVER,
    });
    api.on("before_model_resolve", (event) => (event.prompt.includes(STUCK_BEFORE_MODEL) ? NEVER : undefined));
  },
});
