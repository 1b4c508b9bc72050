// A vitals board and a control socket in plain Node, no packages: what docs/protocol.md says, to copy from.
//
//   const { Board, Session, serve } = require("./node_writer.js");
//
// Node cannot map a file, so each store is a pwrite: a microsecond or two, and readers see it at once, because they
// read the same page cache. The control socket lives in a worker thread, so that it answers while the loop is blocked,
// and nothing that it was asked then happens later. examples/node_gateway.js shows both in use.
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { performance } = require("node:perf_hooks");
const { Worker } = require("node:worker_threads");

const VERSION = 5n;
const LANES = ["main", "subagent", "cron", "nested", "session", "other"];
const HEADER = [
  "magic", "version", "header_bytes", "capacity", "pid", "start_ticks", "boot_id_low", "boot_id_high", "pid_namespace",
  "loop_thread", "created_ns", "phase", "ready_ns", "loop_heartbeat_ns", "thread_heartbeat_ns", "loop_samples",
  "loop_busy_ns", "loop_idle_ns", "gc_ns", "gc_since_ns", "thread_late_ns", "slots_used", "sessions_overflowed",
  "names_truncated", "slots_reused", "drops_lane_busy", "drops_run_active", "drops_draining", "drops_disabled",
  "drops_other", "stalls", "stack_seq", "stack_captured_ns", "stack_count", "stack_bytes", "drained_finished",
  "drained_cleared", "drained_abandoned", ...LANES.flatMap((w) => LANES.map((h) => `contended_${w}_${h}`)),
];
const COLUMNS = ["seq", "progress_ns"];
const RECORD = [
  "used", "state", "state_since_ns", "generation", "queued", "oldest_queued_ns", "lane_kind", "owner", "run_started_ns",
  "run_timeout_ns", "abort_requested_ns", "activity", "activity_owner", "activity_since_ns", "activity_allowance_ns",
  "child_pid", "wait", "wait_since_ns", "wait_deadline_ns", "wait_delivered", "terminal", "repeats",
  "repeating_since_ns", "in_store", "store_says_running", "holder", "unheard_ns",
];
const TEXT = { key: 96, id: 40, run_id: 40, handle: 24, activity_run: 40, activity_name: 32 };
const HEADER_AT = Object.fromEntries(HEADER.map((name, index) => [name, index * 8]));
const RECORD_AT = Object.fromEntries(RECORD.map((name, index) => [name, index * 8]));
const STATES = ["idle", "processing", "waiting"];
const ACTIVITIES = [
  "embedded_run", "model_call", "tool_call", "compaction", "preparation", "delivery", "maintenance",
];
const PHASES = ["starting", "ready", "draining"];
const STALL_RING = 64;
const HISTOGRAM_BUCKETS = 321;
const STACK_BYTES = 4096;
const STALLS_AT = HEADER.length * 8;
const HISTOGRAM_AT = STALLS_AT + STALL_RING * 16;
const HEADER_BYTES = HISTOGRAM_AT + HISTOGRAM_BUCKETS * 8 + STACK_BYTES;
const TEXT_AT = {};
let RECORD_BYTES = RECORD.length * 8;
for (const [name, width] of Object.entries(TEXT)) {
  TEXT_AT[name] = RECORD_BYTES;
  RECORD_BYTES += width;
}
const UNKNOWN = ["activity", "activity_owner", "wait", "wait_delivered", "in_store", "store_says_running", "holder"];
const RESOLUTION_MS = 20;
const STALL_NS = 100_000_000n;

const now = () => process.hrtime.bigint(); // CLOCK_MONOTONIC in nanoseconds
const read = (file) => { try { return fs.readFileSync(file, "utf8"); } catch { return ""; } };

/** Return a text as it stands on the board: whole if it fits, else its beginning with a digest of all of it. */
function shown(text, width) {
  const data = Buffer.from(text);
  if (data.length <= width) return text;
  const mark = `~${crypto.createHash("sha256").update(data).digest("hex").slice(0, 10)}`;
  let end = width - mark.length;
  while ((data[end] & 0xc0) === 0x80) end -= 1; // never in the middle of a character
  return data.toString("utf8", 0, end) + mark;
}

class Board {
  /** Create the board, mode 0600, under another name first, so that nobody sees half of it. */
  constructor(file, capacity = 1024) {
    this.path = file;
    this.capacity = capacity;
    this.counters = new Map();
    this.free = [...Array(capacity).keys()]; // oldest first: a freed slot rests before it is used again
    this.used = 0;
    this.word = Buffer.alloc(8);
    this.records = new Map(); // slot -> what stands in its record
    const data = Buffer.alloc(HEADER_BYTES + (COLUMNS.length * 8 + RECORD_BYTES) * capacity);
    for (const [name, value] of Object.entries(identity(capacity))) data.writeBigUInt64LE(value, HEADER_AT[name]);
    const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}`);
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    fs.rmSync(temporary, { force: true });
    const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants;
    this.fd = fs.openSync(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    fs.writeSync(this.fd, data); // whole, so that a full disk is met now and not later
    this.inode = fs.fstatSync(this.fd).ino;
    fs.renameSync(temporary, file);
  }

  /** Store one number; a board that cannot be written never hurts the gateway. */
  store(at, value) {
    try {
      this.word.writeBigInt64LE(BigInt(value));
      fs.writeSync(this.fd, this.word, 0, 8, at);
    } catch { /* the agent sees that it stands still */ }
  }

  set(name, value) { this.store(HEADER_AT[name], value); }

  add(name) { this.count(HEADER_AT[name]); }

  count(at) {
    const value = (this.counters.get(at) ?? 0n) + 1n;
    this.counters.set(at, value);
    this.store(at, value);
  }

  columnAt(field, slot) { return HEADER_BYTES + (COLUMNS.indexOf(field) * this.capacity + slot) * 8; }

  recordAt(slot) { return HEADER_BYTES + COLUMNS.length * this.capacity * 8 + slot * RECORD_BYTES; }

  /** Take a slot, or undefined when the board is full: such sessions are counted, not watched. */
  acquire() {
    const slot = this.free.shift();
    if (slot === undefined) this.add("sessions_overflowed");
    else if (slot < this.used) this.add("slots_reused");
    if (slot !== undefined) this.records.set(slot, Buffer.alloc(RECORD_BYTES));
    return slot;
  }

  /** Change a slot under its sequence lock: odd while it is written, so that a reader believes all of it or nothing. */
  write(slot, values, texts = {}) {
    const record = this.records.get(slot);
    for (const [name, value] of Object.entries(values)) record.writeBigInt64LE(BigInt(value), RECORD_AT[name]);
    for (const [name, text] of Object.entries(texts)) {
      const fits = shown(text, TEXT[name]);
      if (fits !== text) this.add("names_truncated");
      record.fill(0, TEXT_AT[name], TEXT_AT[name] + TEXT[name]).write(fits, TEXT_AT[name]);
    }
    this.count(this.columnAt("seq", slot));
    try { fs.writeSync(this.fd, record, 0, RECORD_BYTES, this.recordAt(slot)); } catch { /* as in store */ }
    this.count(this.columnAt("seq", slot));
    if (slot >= this.used) this.set("slots_used", (this.used = slot + 1)); // only now: a reader takes 0 for a code
  }

  release(slot) {
    this.write(slot, { used: 0 });
    this.free.push(slot);
  }

  /** Begin to measure the loop. */
  start() {
    this.set("loop_heartbeat_ns", now());
    this.timer = setTimeout(this.sample.bind(this, now()), RESOLUTION_MS);
  }

  sample(last) {
    const at = now();
    const late = at - last - BigInt(RESOLUTION_MS) * 1_000_000n;
    const delay = late > 0n ? late : 0n;
    const { active, idle } = performance.eventLoopUtilization();
    this.count(HISTOGRAM_AT + bucket(delay) * 8);
    this.add("loop_samples");
    this.set("loop_busy_ns", Math.round(active * 1e6));
    this.set("loop_idle_ns", Math.round(idle * 1e6));
    if (delay > STALL_NS) {
      const entry = STALLS_AT + Number((this.counters.get(HEADER_AT.stalls) ?? 0n) % BigInt(STALL_RING)) * 16;
      this.store(entry, at - delay);
      this.store(entry + 8, at);
      this.add("stalls");
    }
    this.set("loop_heartbeat_ns", at); // last of all: who sees this heartbeat must also see the stall before it
    this.timer = setTimeout(this.sample.bind(this, at), RESOLUTION_MS);
  }

  /** The gateway serves sessions now; nothing is judged dead before. */
  ready() {
    this.set("ready_ns", now());
    this.set("phase", PHASES.indexOf("ready"));
  }

  draining() { this.set("phase", PHASES.indexOf("draining")); }

  /** Remove the board, unless another gateway has put its own there. */
  close() {
    clearTimeout(this.timer);
    try { if (fs.statSync(this.path).ino === this.inode) fs.unlinkSync(this.path); } catch { /* it is gone */ }
  }
}

function identity(capacity) {
  const boot = read("/proc/sys/kernel/random/boot_id").trim().replaceAll("-", "") || "0".repeat(32);
  let namespace = 0n;
  try { namespace = fs.statSync("/proc/self/ns/pid", { bigint: true }).ino; } catch { /* no /proc here */ }
  const stat = read("/proc/self/stat");
  return {
    magic: Buffer.from("LIVEWTCH").readBigUInt64LE(), version: VERSION, header_bytes: BigInt(HEADER_BYTES),
    capacity: BigInt(capacity), pid: BigInt(process.pid),
    start_ticks: BigInt(stat ? stat.slice(stat.lastIndexOf(")") + 1).trim().split(/\s+/)[19] : 0),
    boot_id_low: BigInt(`0x${boot.slice(16)}`), boot_id_high: BigInt(`0x${boot.slice(0, 16)}`),
    pid_namespace: namespace, loop_thread: BigInt(process.pid), created_ns: now(), // Node's loop is the main thread
  };
}

function bucket(delay) {
  if (delay < 1_000_000n) return 0;
  const doublings = BigInt((delay / 1_000_000n).toString(2).length - 1);
  const base = 1_000_000n << doublings;
  return Math.min(HISTOGRAM_BUCKETS - 1, Number(1n + doublings * 16n + ((delay - base) * 16n) / base));
}

/** One session's row; every change of state, run, abort request or activity is a new generation. */
class Session {
  constructor(board, key, lane = "session") {
    this.board = board;
    this.key = shown(key, TEXT.key);
    this.generation = 0;
    this.run = null; // { id, handle }
    this.progressed = 0n;
    this.heard = false; // whether a run ever reported progress or an activity
    this.unheard = 0n; // the stamp that is our own, see rule 3 of docs/protocol.md
    this.slot = board.acquire();
    if (this.slot !== undefined) board.store(board.columnAt("progress_ns", this.slot), 0);
    const blank = Object.fromEntries(RECORD.map((name) => [name, UNKNOWN.includes(name) ? -1 : 0]));
    this.change({ ...blank, used: 1, lane_kind: LANES.indexOf(lane), state_since_ns: now() },
      Object.fromEntries(Object.keys(TEXT).map((name) => [name, name === "key" ? key : ""])));
  }

  change(values, texts) {
    this.generation += 1;
    this.write({ ...values, generation: this.generation }, texts);
  }

  write(values, texts) { if (this.slot !== undefined) this.board.write(this.slot, values, texts); }

  /** How many messages wait, and since when the oldest does. */
  queued(depth, oldest = 0n) { this.write({ queued: depth, oldest_queued_ns: oldest }); }

  /** New content of this run, never a keepalive: one store outside the lock. */
  progress() {
    this.progressed = now();
    if (this.slot !== undefined) this.board.store(this.board.columnAt("progress_ns", this.slot), this.progressed);
  }

  /** Register a run; `timeoutMs` is the run's own timeout. */
  begin(id, timeoutMs = 0) {
    this.run = { id: shown(id, TEXT.run_id), handle: crypto.randomBytes(6).toString("hex") };
    this.heard ||= this.progressed > this.unheard;
    this.progress();
    const at = this.progressed;
    this.unheard = this.heard ? 0n : at;
    this.change({ unheard_ns: this.unheard, state: STATES.indexOf("processing"), state_since_ns: at, owner: 1, run_started_ns: at,
      run_timeout_ns: Math.round(timeoutMs * 1e6), abort_requested_ns: 0, terminal: 0 },
    { run_id: id, handle: this.run.handle });
    return this.run;
  }

  /** Show what the registered run does; `allowanceMs` is the silence that a tool or provider declares. */
  activity(kind, name, allowanceMs = 0) {
    this.heard = true;
    this.unheard = 0n;
    this.change({ unheard_ns: 0, activity: ACTIVITIES.indexOf(kind), activity_owner: 1, activity_since_ns: now(),
      activity_allowance_ns: Math.round(allowanceMs * 1e6) }, { activity_run: this.run.id, activity_name: name });
  }

  activityEnded() {
    this.progress();
    this.clearActivity();
  }

  /** Take the activity off the board, which is no progress. */
  clearActivity() { this.change({ activity: -1, activity_owner: -1 }); }

  abortRequested() { this.change({ abort_requested_ns: now() }); }

  /** Unregister exactly this run; an activity that it left open is nobody's now. */
  end(run) {
    if (this.run !== run) return;
    this.run = null;
    this.change({ state: STATES.indexOf("idle"), state_since_ns: now(), owner: 0, activity_owner: 0, run_started_ns: 0,
      run_timeout_ns: 0, abort_requested_ns: 0 }, { run_id: "", handle: "" });
  }

  /** Take the session off the board. */
  close() {
    if (this.slot !== undefined) this.board.release(this.slot);
    this.slot = undefined;
  }
}

/** Return why an action may not be done any more, or undefined; call it in the same step in which you act. */
function objection(session, request) {
  const refused = (check, detail) => ({ status: "refused", check, detail });
  if (session === undefined) return refused("session", "session: not in memory");
  if (request.generation !== session.generation) return refused("generation", `generation: is ${session.generation} now`);
  const run = session.run ?? {};
  if (request.run_id !== run.id) return refused("run_id", `run: ${run.id ?? "none"} is registered now`);
  if (request.handle !== run.handle) return refused("handle", "handle: another one is registered now");
  // Nanoseconds travel as seconds in a double: half a microsecond may be lost on the way.
  const judged = BigInt(Math.round(request.progress_ns ?? 0));
  if (session.progressed > judged + 1000n) return refused("progress", "progress: the run moved since it was judged");
  return undefined;
}

/**
 * Serve the control socket from a worker thread. `act(request)` is called on the loop and returns the reply at once;
 * `shared` is an Int32Array over shared memory: how many runs there are, and whether the gateway drains.
 */
function serve(socket, board, capabilities, shared, act) {
  const header = { heartbeatAt: HEADER_AT.thread_heartbeat_ns, lateAt: HEADER_AT.thread_late_ns };
  const worker = new Worker(path.join(__dirname, "node_control.js"), {
    workerData: { socket, board: board.path, fd: board.fd, capabilities, shared, header },
  });
  worker.on("message", ({ id, request, ticket }) => {
    if (Atomics.compareExchange(ticket, 0, 0, 1) !== 0) return; // nobody waits for it any more: it is void
    let reply;
    try { reply = act(request); } catch (error) { reply = { status: "failed", detail: `lever: ${error}` }; }
    worker.postMessage({ id, reply: { check: null, detail: "", released: null, ...reply } });
  });
  worker.on("error", (error) => console.error(`livewatch: no repairs from now on: ${error.message}`));
  worker.unref();
}

const LAYOUT = { VERSION: Number(VERSION), HEADER, COLUMNS, RECORD, TEXT, LANES, STATES, ACTIVITIES, PHASES, STALLS_AT,
  HISTOGRAM_AT, HEADER_BYTES, RECORD_BYTES };
module.exports = { Board, Session, serve, objection, LAYOUT };
