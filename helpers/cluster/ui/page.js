// The page asks /api/cluster, which answers once a second, and draws what has changed.
// Texts of the cluster are set as text, never as HTML: what they contain is shown, not run.
"use strict";

const COUNT = 50; // messages on a page
const OPEN_AT_FIRST = 3; // topics, and groups, that are open before anybody clicks
const LATE = 3; // seconds after which an answer is old
const byId = (id) => document.getElementById(id);

let cluster = null; // the last answer
let lastSeen = null; // the last one in which a broker answered
let number = -1; // of the last answer
let asked = null; // when the brokers were asked for it, in ms
let trouble = ""; // why there is no newer one
const opened = new Map(); // "topic name", "group name", "message …" -> open or not, where clicked
const drawn = new Map(); // id -> what it was drawn from

// ------------------------------------------------------------------------------------- elements

/** A new element. `what` are properties; children are elements or texts. */
function make(tag, what = {}, ...children) {
  const { label, ...properties } = what;
  const element = Object.assign(document.createElement(tag), properties);
  if (label) element.setAttribute("aria-label", label);
  element.append(...children.filter((child) => child !== null));
  return element;
}

const cell = (className, ...children) => make("td", { className }, ...children);
const count = (value) => (value === null ? "?" : value.toLocaleString("en-US"));
const plural = (value, word) => `${count(value)} ${word}${value === 1 ? "" : "s"}`;

/** Draws an element's content anew, where that from which it is drawn has changed. */
function draw(id, from, build) {
  const key = JSON.stringify(from);
  if (drawn.get(id) === key) return;
  drawn.set(id, key);
  const focused = document.activeElement?.dataset?.key;
  byId(id).replaceChildren(...[build()].flat());
  if (focused) byId(id).querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

function table(columns, rows) {
  const heads = columns.map(([text, className = ""]) =>
    make("th", { scope: "col", className }, text));
  return make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
}

const isOpen = (key, atFirst) => opened.get(key) ?? atFirst;

/** A button that opens and closes what `key` names. */
function opener(key, open, ...content) {
  const button = make("button", { type: "button" },
    make("span", { className: "mark", ariaHidden: "true" }, open ? "▼" : "▶"), ...content);
  button.setAttribute("aria-expanded", open);
  button.dataset.key = key;
  button.addEventListener("click", () => { opened.set(key, !open); drawAll(); });
  return button;
}

// -------------------------------------------------------------------------------------- brokers

const STATES = {
  alive: ["● alive", ""],
  starting: ["◐ starting", "It answers. The cluster does not count on it yet."],
  silent: ["✖ no answer", "The cluster still counts on it."],
  dead: ["✖ dead", "The cluster goes on without it."],
};

function drawBrokers() {
  draw("brokers", [cluster.answers, cluster.brokers], () => cluster.brokers.map((broker) => {
    let [state, comment] = STATES[broker.state];
    if (!cluster.answers) [state, comment] = ["✖ no answer", ""];
    const good = cluster.answers && broker.state === "alive";
    const missing = broker.in_sync < broker.copies ? "bad-text" : "";
    const copies = `${count(broker.in_sync)} of ${count(broker.copies)}`;
    return make("div", { className: good ? "broker" : "broker bad" },
      make("h2", {}, `Broker ${broker.id ?? "?"}`, make("span", { className: "state" }, state)),
      make("p", {}, broker.address),
      cluster.answers ? make("p", {}, "leads ", make("b", {}, plural(broker.leads, "partition"))) : null,
      cluster.answers ? make("p", {}, "in sync ", make("b", { className: missing }, copies), " copies") : null,
      // Its line is there without a comment, too, so that nothing moves when there is one.
      make("p", { className: "note" }, comment || "\u00a0"));
  }));
}

// --------------------------------------------------------------------------------------- topics

const missingOf = (partition) =>
  partition.replicas.filter((replica) => !partition.in_sync.includes(replica));

function replicas(partition) {
  const states = Object.fromEntries(cluster.brokers.map((broker) => [broker.id, broker.state]));
  return make("div", { className: "copies" }, ...partition.replicas.map((replica) => {
    if (!partition.in_sync.includes(replica)) {
      return make("span", { className: "copy missing" }, `${replica} out of sync`);
    }
    if (replica === partition.leader) {
      const gone = ["silent", "dead"].includes(states[replica]);
      return make("span", { className: gone ? "copy leader silent" : "copy leader" },
        `${replica} leader${gone ? ", no answer" : ""}`);
    }
    return make("span", { className: "copy" }, `${replica}`);
  }));
}

function health(partitions) {
  const leaderless = partitions.filter((one) => one.leader === -1).length;
  if (leaderless) return ["bad-text", `✖ ${plural(leaderless, "partition")} without a leader`];
  const short = partitions.filter((one) => missingOf(one).length).length;
  if (short) return ["bad-text", `▲ ${count(short)} of ${plural(partitions.length, "partition")} out of sync`];
  return ["good-text", "✔ all in sync"];
}

function drawTopics() {
  const part = byId("topic-filter").value.toLowerCase();
  const shown = lastSeen.topics.filter((topic) =>
    (byId("internal").checked || !topic.internal) && topic.name.toLowerCase().includes(part));
  const others = lastSeen.topics.filter((topic) => topic.internal).length;
  byId("topic-count").textContent = lastSeen.topics.length - others;
  const states = cluster.brokers.map((broker) => broker.state);
  draw("topic-list", [shown, [...opened], states], () => {
    if (!shown.length) {
      return make("p", {}, part ? "No topic has this in its name." :
        `There are no topics yet${others ? `, but for ${others} of Kafka's own` : ""}.`);
    }
    const rows = shown.flatMap((topic, place) => {
      const key = `topic ${topic.name}`;
      const open = isOpen(key, place < OPEN_AT_FIRST);
      const known = topic.partitions.every((one) => one.end !== null);
      const total = known ? topic.partitions.reduce((sum, one) => sum + one.end - one.begin, 0) : null;
      const [className, words] = health(topic.partitions);
      const head = make("tr", { className: "head" },
        make("td", { colSpan: 2 }, opener(key, open, topic.name)),
        cell(className, words),
        make("td", { className: "number", colSpan: 2 }, plural(topic.partitions.length, "partition")),
        cell("number big", count(total)),
        cell(""));
      return open ? [head, ...topic.partitions.map((one) => partitionRow(topic.name, one))] : [head];
    });
    return table([["Topic, newest first; its partitions"], ["Leader"], ["Copies on brokers"],
      ["Begin", "number"], ["End", "number"], ["Messages", "number"], [""]], rows);
  });
}

function partitionRow(topic, one) {
  const old = one.fresh ? "" : " old";
  const link = make("a", { href: `#messages/${encodeURIComponent(topic)}/${one.number}` }, "read");
  link.dataset.key = `read ${topic} ${one.number}`;
  return make("tr", {},
    cell("", `partition ${one.number}`),
    one.leader === -1 ? cell("bad-text", "✖ none") : cell("", `${one.leader}`),
    cell("", replicas(one)),
    cell("number" + old, count(one.begin)),
    cell("number" + old, count(one.end)),
    cell("number" + old, one.end === null ? "?" : count(one.end - one.begin)),
    cell("", link));
}

// --------------------------------------------------------------------------------------- groups

const GROUP_STATES = {
  Stable: "● stable",
  Empty: "○ empty, nobody reads",
  PreparingRebalance: "◐ rebalancing",
  CompletingRebalance: "◐ rebalancing",
  Dead: "✖ dead",
};

function drawGroups() {
  const part = byId("group-filter").value.toLowerCase();
  const shown = lastSeen.groups.filter((group) => group.name.toLowerCase().includes(part));
  byId("group-count").textContent = lastSeen.groups.length;
  draw("group-list", [shown, [...opened]], () => {
    if (!shown.length) {
      return make("p", {}, part ? "No group has this in its name." : "There are no groups yet.");
    }
    const rows = shown.flatMap((group, place) => {
      const key = `group ${group.name}`;
      const open = isOpen(key, place < OPEN_AT_FIRST);
      const state = GROUP_STATES[group.state] ?? group.state;
      const late = group.age >= LATE;
      const head = make("tr", { className: "head" },
        make("td", { colSpan: 2 }, opener(key, open, group.name)),
        late ? cell("bad-text", `its coordinator is silent; seen ${Math.round(group.age)} s ago`)
          : cell("", state),
        make("td", { className: "number", colSpan: 2 },
          group.members === null ? "? members" : plural(group.members, "member")),
        cell("number big", "lag ", count(group.lag)));
      return open ? [head, ...group.partitions.map(groupRow)] : [head];
    });
    return table([["Group, newest first; what it reads"], ["Partition"], ["Read by"],
      ["Committed", "number"], ["End", "number"], ["Lag", "number"]], rows);
  });
}

function groupRow(one) {
  // The end of an id is what tells members of one program apart.
  const owner = one.owner ? `${one.owner.client} …${one.owner.id.slice(-4)}` : "nobody";
  return make("tr", {},
    cell("", one.topic),
    cell("", `${one.number}`),
    cell(one.owner ? "" : "special", owner),
    one.committed === null ? cell("number special", "nothing yet") : cell("number", count(one.committed)),
    cell("number", count(one.end)),
    cell("number big", one.lag === null ? "?" : count(one.lag)));
}

// ------------------------------------------------------------------------------------- messages

const chosen = { topic: "", partition: 0, offset: null };
let page = null; // the last answer of /api/messages, with what was asked
let drawnFor = ""; // the choice of which messages are shown
let reading = 0; // counts the questions: an answer to an older one is thrown away

function drawChoice() {
  const internal = byId("internal").checked;
  const names = lastSeen.topics.filter((topic) => internal || !topic.internal || topic.name === chosen.topic)
    .map((topic) => topic.name);
  const topic = lastSeen.topics.find((one) => one.name === chosen.topic);
  if (chosen.topic && !topic) names.unshift(chosen.topic);
  draw("topic", names, () => [make("option", { value: "" }, "choose …"),
    ...names.map((name) => make("option", { value: name }, name))]);
  byId("topic").value = chosen.topic;
  const numbers = topic ? topic.partitions.map((one) => one.number) : [chosen.partition];
  draw("partition", numbers, () => numbers.map((one) => make("option", { value: one }, one)));
  byId("partition").value = chosen.partition;
}

async function read() {
  const mine = ++reading;
  if (!chosen.topic) {
    page = null;
    return drawMessages();
  }
  const query = new URLSearchParams({ topic: chosen.topic, partition: chosen.partition, limit: COUNT });
  if (chosen.offset !== null) query.set("offset", chosen.offset);
  let answer;
  try {
    const response = await fetch(`/api/messages?${query}`);
    // What the page asked wrongly is not asked again; what a broker could not answer is.
    answer = { ...await response.json(), again: response.status !== 400 };
  } catch {
    answer = { error: "This page's server does not answer. Start it: make kafka-up", again: true };
  }
  if (mine !== reading) return;
  page = { ...answer, ...chosen };
  drawMessages();
}

function drawMessages() {
  drawChoice();
  const status = byId("message-status");
  status.className = page?.error ? "bad" : "";
  byId("pages").hidden = !page || Boolean(page.error);
  if (!page) {
    status.textContent = "Choose a topic.";
    return draw("message-list", "nothing", () => []);
  }
  const which = JSON.stringify([page.topic, page.partition, page.offset]);
  if (page.error) {
    status.textContent = page.error;
    // What was read before stays, but not that of another partition.
    if (drawnFor !== which) draw("message-list", "nothing", () => []);
    return;
  }
  drawnFor = which;
  const { begin, end, messages } = page;
  const live = page.offset === null;
  status.textContent = begin === end ? `Offsets ${count(begin)} to ${count(end)}: empty.` :
    `${plural(messages.length, "entry").replace("entrys", "entries")}, ` +
    `${live ? "newest first" : "in the order of offsets"}. ` +
    `The partition has offsets ${count(begin)} to ${count(end - 1)}.` +
    (page.in_time ? "" : " Reading took too long, so this is not all.");
  byId("older").disabled = page.start <= begin;
  byId("newer").disabled = live || nextOffset() >= end;
  byId("newest").disabled = live;
  const mine = [...opened].filter(([key]) => key.startsWith("message "));
  draw("message-list", [page, mine], () => {
    if (!messages.length) return [];
    const shown = live ? [...messages].reverse() : messages;
    return table([["Offset", "number"], ["Time"], ["Key"], ["Value (click to see all of it)"]],
      shown.map(messageRow));
  });
}

const nextOffset = () => Math.max(page.start, ...page.messages.map((one) => one.offset)) + 1;

function time(milliseconds) {
  if (milliseconds < 0) return "";
  const two = (value, length = 2) => String(value).padStart(length, "0");
  const at = new Date(milliseconds);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${two(at.getMilliseconds(), 3)}`;
  return at.toDateString() === new Date().toDateString() ? clock : `${day} ${clock}`;
}

function messageRow(one) {
  const row = make("tr", { className: "message" },
    cell("number", count(one.offset)), cell("", make("time", {}, time(one.timestamp))));
  if (one.mark || one.unreadable) {
    const words = one.unreadable ? `These messages can't be read here: ${one.unreadable}` :
      one.mark === "commit" ? "✔ end of a transaction: committed" : "✖ end of a transaction: aborted";
    row.append(make("td", { colSpan: 2, className: one.mark === "commit" ? "special" : "bad-text" }, words));
    return row;
  }
  const key = `message ${page.topic} ${page.partition} ${one.offset}`;
  const open = isOpen(key, false);
  const button = opener(key, open, value(one.value, open));
  button.className = "value";
  const content = cell("", button);
  if (one.transactional) content.append(make("span", { className: "tag" }, "in a transaction"), " ");
  if (one.headers.length) content.append(headers(one));
  row.append(cell("key", text(one.key, "no key", 60)), content);
  return row;
}

// What can't be seen, or turns the direction of what follows, is named instead.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;
const visible = (words) => words.replace(UNSEEN, (one) =>
  `⟨U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);

/** A text as it was sent; `limit` characters of it, or all of what the server sent for Infinity. */
function text(sent, none, limit) {
  if (sent === null) return make("span", { className: "special" }, none);
  if (!sent.size) return make("span", { className: "special" }, "empty text");
  const shown = [...sent.text].slice(0, limit).join("");
  const parts = [make("span", { className: "text" },
    visible(limit === Infinity ? shown : shown.replaceAll("\n", " ⏎ ")))];
  if (shown.length < sent.text.length || (!sent.whole && limit === Infinity)) {
    parts.push(make("span", { className: "special" }, ` … (${plural(sent.size, "byte")} in all)`));
  }
  if (!sent.utf8) {
    parts.push(" ", make("span", { className: "tag bad-text" }, "no UTF-8"));
  }
  return make("span", {}, ...parts);
}

function value(sent, open) {
  if (!open || sent === null) return text(sent, "null", 240);
  const pretty = sent.whole && sent.utf8 ? indented(sent.text) : null;
  return text(pretty === null ? sent : { ...sent, text: pretty }, "null", Infinity);
}

function headers(one) {
  const parts = one.headers.flatMap(([name, sent]) =>
    [" · ", make("span", { className: "text" }, visible(name)), " = ", text(sent, "null", 80)]);
  if (one.more_headers) parts.push(` · and ${one.more_headers} more`);
  return make("div", { className: "headers" }, "headers", ...parts);
}

/** JSON with line breaks, or null for what is none. Numbers stay as they were written. */
function indented(json) {
  try {
    if (typeof JSON.parse(json) !== "object") return null;
  } catch {
    return null;
  }
  const tokens = json.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g);
  let depth = 0;
  const line = () => "\n" + "  ".repeat(depth);
  return tokens.map((token, place) => {
    if (token === ":") return ": ";
    if (token === ",") return "," + line();
    if ("{[".includes(token)) {
      depth += 1;
      return "}]".includes(tokens[place + 1]) ? token : token + line();
    }
    if ("}]".includes(token)) {
      depth -= 1;
      return "{[".includes(tokens[place - 1]) ? token : line() + token;
    }
    return token;
  }).join("");
}

function choose(topic, partition, offset) {
  const parts = ["messages"];
  if (topic) parts.push(encodeURIComponent(topic), partition);
  if (topic && offset !== null) parts.push(offset);
  location.hash = parts.join("/");
}

// ----------------------------------------------------------------------------------- the page

function route() {
  const [tab, topic = "", partition = "0", offset = ""] = location.hash.slice(1).split("/");
  const current = ["topics", "groups", "messages"].includes(tab) ? tab : "topics";
  for (const name of ["topics", "groups", "messages"]) {
    byId(`tab-${name}`).hidden = name !== current;
    const link = document.querySelector(`nav a[href^="#${name}"]`);
    if (name === current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (current === "messages") {
    // The tab leads back to what was read last.
    document.querySelector('nav a[href^="#messages"]').setAttribute("href", location.hash);
    chosen.topic = decode(topic);
    chosen.partition = Number(partition) || 0;
    chosen.offset = /^\d{1,18}$/.test(offset) ? Number(offset) : null;
    byId("offset").value = offset;
    byId("follow").disabled = chosen.offset !== null;
    if (lastSeen) read();
  }
  drawAll();
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

function drawAll() {
  if (!cluster) return;
  document.title = `Kafka: cluster '${cluster.name}'`;
  byId("title").textContent = document.title;
  drawBrokers();
  for (const id of ["topic-list", "group-list"]) byId(id).classList.toggle("old", !cluster.answers);
  if (!lastSeen) return;
  drawTopics();
  drawGroups();
  if (!byId("tab-messages").hidden) drawMessages();
}

function drawStatus() {
  const seconds = asked === null ? null : (performance.now() - asked) / 1000;
  const ago = seconds === null ? "" : `asked ${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s ago`;
  let words = ago || "asking …";
  if (trouble) words = `✖ ${trouble}` + (ago && `; ${ago}`);
  else if (cluster && !cluster.answers) words = `✖ No broker answers; ${ago}, still asking`;
  else if (seconds > LATE) words = `✖ No news; ${ago}`;
  byId("status").textContent = words;
  byId("status").className = words.startsWith("✖") ? "bad" : "";
}

async function ask() {
  try {
    const response = await fetch(`/api/cluster?after=${number}`, { signal: AbortSignal.timeout(6000) });
    const answer = await response.json();
    if (answer.error) throw answer.error;
    const isNew = answer.number !== number;
    const before = endOfChosen();
    number = answer.number;
    asked = performance.now() - answer.age * 1000;
    cluster = answer.cluster;
    if (cluster.answers || !lastSeen) lastSeen = cluster;
    trouble = "";
    const isFirst = before === undefined;
    drawAll();
    const follows = byId("follow").checked && chosen.offset === null && before !== endOfChosen();
    if (isNew && !byId("tab-messages").hidden && (isFirst || follows || page?.again && page.error)) read();
    return isNew ? 100 : 1000;
  } catch (error) {
    trouble = typeof error === "string" ? error : "This page's server does not answer (make kafka-up)";
    return 1000;
  } finally {
    drawStatus();
  }
}

/** Where the chosen partition ends; undefined before the first answer. */
function endOfChosen() {
  const topic = lastSeen?.topics.find((one) => one.name === chosen.topic);
  return lastSeen ? topic?.partitions[chosen.partition]?.end ?? null : undefined;
}

async function run() {
  for (;;) {
    // Where nobody sees the page, nothing is asked.
    if (document.hidden) {
      await new Promise((seen) => document.addEventListener("visibilitychange", seen, { once: true }));
      continue;
    }
    const pause = await ask();
    await new Promise((over) => setTimeout(over, pause));
  }
}

function openAll(kind, names, open) {
  for (const name of names) opened.set(`${kind} ${name}`, open);
  drawAll();
}

addEventListener("hashchange", route);
for (const id of ["topic-filter", "group-filter", "internal"]) byId(id).addEventListener("input", drawAll);
for (const open of [true, false]) {
  const word = open ? "open" : "close";
  for (const kind of ["topic", "group"]) {
    byId(`${kind}s-${word}`).addEventListener("click", () =>
      lastSeen && openAll(kind, lastSeen[`${kind}s`].map((one) => one.name), open));
  }
}
byId("topic").addEventListener("change", () => choose(byId("topic").value, 0, null));
byId("partition").addEventListener("change", () => choose(chosen.topic, byId("partition").value, null));
byId("choice").addEventListener("submit", (event) => {
  event.preventDefault();
  const offset = byId("offset").value.replaceAll(",", "").trim();
  choose(chosen.topic, chosen.partition, /^\d+$/.test(offset) ? offset : null);
  read();
});
byId("older").addEventListener("click", () =>
  choose(chosen.topic, chosen.partition, Math.max(page.begin, page.start - COUNT)));
byId("newer").addEventListener("click", () => choose(chosen.topic, chosen.partition, nextOffset()));
byId("newest").addEventListener("click", () => choose(chosen.topic, chosen.partition, null));
setInterval(drawStatus, 200);
route();
run();
