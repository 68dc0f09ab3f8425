"use strict";
// Draws what one person sees and does what they do. All text goes in as text nodes: nothing a message
// says can become markup.

const $ = (id) => document.getElementById(id);
const ui = { me: null, at: null, state: null, seen: {}, typed: {}, nodes: new Map(), signature: "", busy: null, errors: {}, prompted: false };

function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "data") for (const [name, data] of Object.entries(value)) { if (data !== undefined && data !== null) node.dataset[name] = data; }
    else if (key === "value") node.value = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return node;
}

async function post(path, body) {
  try {
    const answer = await fetch("/page/" + path, {
      method: "POST", headers: { "content-type": "application/json" },
      body: JSON.stringify({ user: ui.me, ...body }),
    });
    return await answer.json();
  } catch {
    return { ok: false, error: "The sandbox does not answer." };
  }
}

// ---- people ----

const COLOURS = ["#5b5fc7", "#1f7a8c", "#b4552d", "#7a4b94", "#2f7d4f", "#a03e63", "#3a6ea5", "#8a6d1d"];
const person = (id) => ui.state.people.find((one) => one.id === id);
const called = (id) => { const one = person(id); return one ? one.name || one.handle : id; };

function avatar(one, extra) {
  const words = ((one && one.name) || "?").split(/\s+/);
  const letters = words.length > 1 ? words[0][0] + words[words.length - 1][0] : words[0].slice(0, 1);
  let hash = 0;
  for (const char of (one && one.handle) || "") hash = (hash * 31 + char.codePointAt(0)) >>> 0;
  const node = h("span", { class: "avatar " + (extra || ""), "aria-hidden": "true" }, letters.toUpperCase());
  node.style.background = one && one.app ? "#3b2740" : one && one.bot ? "#77717a" : COLOURS[hash % COLOURS.length];
  return node;
}

// ---- dates ----

function zoned(options, at, zone) {
  const make = (timeZone) => new Intl.DateTimeFormat("en-US", { ...options, timeZone }).format(at);
  try { return make(zone || "UTC"); } catch { return make("UTC"); }
}
const zone = () => (person(ui.me) || {}).tz || "UTC";
const clock = (ms) => zoned({ hour: "numeric", minute: "2-digit" }, ms, zone());
const dayKey = (ms) => zoned({ year: "numeric", month: "2-digit", day: "2-digit" }, ms, zone());

function near(ms) {
  for (const [offset, word] of [[-86400000, "yesterday"], [0, "today"], [86400000, "tomorrow"]]) {
    if (dayKey(ms) === dayKey(ui.state.now + offset)) return word;
  }
  return null;
}

function date(token, ms) {
  const day = Number(zoned({ day: "numeric" }, ms, zone()));
  const ordinal = day + (day % 100 > 10 && day % 100 < 14 ? "th" : ["th", "st", "nd", "rd"][day % 10] || "th");
  const month = zoned({ month: "long" }, ms, zone()), year = zoned({ year: "numeric" }, ms, zone());
  const full = `${month} ${ordinal}, ${year}`, short = `${month.slice(0, 3)} ${day}, ${year}`;
  const long = `${zoned({ weekday: "long" }, ms, zone())}, ${full}`;
  const apart = Math.abs(ui.state.now - ms) / 1000;
  const [count, unit] = apart < 60 ? [apart, "second"] : apart < 3600 ? [apart / 60, "minute"] : apart < 86400 ? [apart / 3600, "hour"] : [apart / 86400, "day"];
  const amount = `${Math.floor(count)} ${unit}${Math.floor(count) === 1 ? "" : "s"}`;
  const made = {
    date_num: () => zoned({ year: "numeric" }, ms, zone()) + "-" + zoned({ month: "2-digit" }, ms, zone()) + "-" + zoned({ day: "2-digit" }, ms, zone()),
    date: () => full, date_short: () => short, date_long: () => long,
    date_pretty: () => near(ms) || full, date_short_pretty: () => near(ms) || short, date_long_pretty: () => near(ms) || long,
    time: () => clock(ms), time_secs: () => zoned({ hour: "numeric", minute: "2-digit", second: "2-digit" }, ms, zone()),
    ago: () => ms <= ui.state.now ? amount + " ago" : "in " + amount,
  }[token];
  return made ? made() : null;
}

// ---- Slack's markup ----

const EMOJI = { white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", no_entry: "⛔", no_entry_sign: "🚫", warning: "⚠️", hourglass: "⌛", hourglass_flowing_sand: "⏳", lock: "🔒", unlock: "🔓", closed_lock_with_key: "🔐", key: "🔑", rotating_light: "🚨", bell: "🔔", eyes: "👀", tada: "🎉", thumbsup: "👍", "+1": "👍", thumbsdown: "👎", "-1": "👎", wave: "👋", clock1: "🕐", alarm_clock: "⏰", stopwatch: "⏱️", timer_clock: "⏲️", information_source: "ℹ️", question: "❓", exclamation: "❗", fire: "🔥", zap: "⚡", red_circle: "🔴", large_green_circle: "🟢", large_yellow_circle: "🟡", large_blue_circle: "🔵", white_circle: "⚪", black_circle: "⚫", robot_face: "🤖", bust_in_silhouette: "👤", busts_in_silhouette: "👥", memo: "📝", pencil: "📝", link: "🔗", arrow_right: "➡️", repeat: "🔁", arrows_counterclockwise: "🔄", shield: "🛡️", package: "📦", calendar: "📅", speech_balloon: "💬", point_right: "👉", sparkles: "✨", cloud: "☁️", rocket: "🚀", octagonal_sign: "🛑", heavy_multiplication_x: "✖️", wastebasket: "🗑️", mag: "🔍", clipboard: "📋", bulb: "💡" };
const emoji = (text) => text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => EMOJI[name] || whole);
const unescape = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
const leaf = (text) => emoji(unescape(text));

function link(target, label) {
  const url = unescape(target);
  // Not an address: shown as it is, and nothing to click.
  if (!/^(https?|mailto):/i.test(url)) return `<${url}>`;
  const node = h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, label ? leaf(label) : url);
  const inside = url.match(new RegExp(`^https://${ui.state.domain}\\.slack\\.com/archives/([A-Z0-9]+)`));
  if (inside) node.addEventListener("click", (event) => { event.preventDefault(); go(inside[1]); });
  return node;
}

function angle(inner) {
  const bar = inner.indexOf("|");
  const target = bar < 0 ? inner : inner.slice(0, bar), label = bar < 0 ? "" : inner.slice(bar + 1);
  if (target.startsWith("@")) {
    const id = target.slice(1), one = person(id);
    return h("span", { class: "mention" + (id === ui.me ? " me" : ""), data: { user: id } }, "@" + (one ? one.handle : unescape(label || id)));
  }
  if (target.startsWith("#")) {
    const id = target.slice(1), place = ui.state.conversations.find((one) => one.id === id);
    const node = h("a", { class: "mention", href: "#" }, "#" + (place ? place.name : unescape(label || id)));
    node.addEventListener("click", (event) => { event.preventDefault(); go(id); });
    return node;
  }
  if (target.startsWith("!subteam^")) {
    const group = ui.state.groups.find((one) => one.id === target.slice(9));
    return h("span", { class: "mention" }, "@" + (group ? group.handle : unescape(label || target.slice(9)).replace(/^@/, "")));
  }
  if (target.startsWith("!date^")) {
    const [seconds, format, url] = target.slice(6).split("^");
    const ms = Number(seconds) * 1000;
    if (!format || !Number.isFinite(ms)) return unescape(label);
    let good = true;
    const text = format.replace(/\{(\w+)\}/g, (_, token) => { const made = date(token, ms); if (made === null) good = false; return made || ""; });
    if (!good) return unescape(label);
    const node = h("span", { class: "date", title: zoned({ dateStyle: "full", timeStyle: "long" }, ms, zone()) }, unescape(text));
    return url ? link(url, text) : node;
  }
  if (target.startsWith("!")) return h("span", { class: "mention me" }, unescape(label) || "@" + target.slice(1));
  return link(target, label);
}

const TAGS = { "*": "b", _: "i", "~": "s" };

function inline(text) {
  const out = [];
  let plain = "";
  const flush = () => { if (plain) { out.push(leaf(plain)); plain = ""; } };
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === "`") {
      const end = text.indexOf("`", i + 1);
      if (end > i + 1) { flush(); out.push(h("code", {}, unescape(text.slice(i + 1, end)))); i = end; continue; }
    }
    if (char === "<") {
      const end = text.indexOf(">", i + 1);
      if (end > 0) { flush(); out.push(angle(text.slice(i + 1, end))); i = end; continue; }
    }
    if (TAGS[char] && !/[\p{L}\p{N}]/u.test(text[i - 1] || " ") && /\S/.test(text[i + 1] || " ") && text[i + 1] !== char) {
      let end = text.indexOf(char, i + 1);
      while (end > 0 && (/\s/.test(text[end - 1]) || /[\p{L}\p{N}]/u.test(text[end + 1] || " "))) end = text.indexOf(char, end + 1);
      if (end > i + 1 && !text.slice(i, end).includes("\n")) { flush(); out.push(h(TAGS[char], {}, inline(text.slice(i + 1, end)))); i = end; continue; }
    }
    if (char === "\n") { flush(); out.push(h("br")); continue; }
    plain += char;
  }
  flush();
  return out;
}

function mrkdwn(text) {
  const out = [];
  String(text || "").split("```").forEach((part, index, parts) => {
    if (index % 2 === 1 && index < parts.length - 1) { out.push(h("pre", {}, unescape(part.replace(/^\n|\n$/g, "")))); return; }
    let quote = [];
    const lines = (index % 2 === 1 ? "```" + part : part).split("\n");
    const run = [];
    const endRun = () => { if (run.length) out.push(...inline(run.splice(0).join("\n"))); };
    const endQuote = () => { if (quote.length) { out.push(h("blockquote", {}, inline(quote.join("\n")))); quote = []; } };
    lines.forEach((line) => {
      const quoted = line.match(/^(?:&gt;|>)\s?(.*)$/);
      if (quoted) { endRun(); quote.push(quoted[1]); } else { endQuote(); run.push(line); }
    });
    endQuote();
    endRun();
  });
  return out;
}

function words(object) {
  if (!object) return [];
  if (object.type === "mrkdwn") return mrkdwn(object.text);
  const text = object.emoji === false ? object.text : emoji(object.text || "");
  return text.split("\n").flatMap((line, index) => (index ? [h("br"), line] : [line]));
}

// ---- choosing from a list ----

const item = (option) => ({ value: option.value, label: (option.text || {}).text || option.value, more: (option.description || {}).text });

// `source(query)` gives groups `[{label, items}]`; `chosen` is a list of items.
function picker({ source, chosen, multi, placeholder, onchange, label, data, small }) {
  let selected = chosen.slice();
  const shown = h("button", { type: "button", class: "shown", "aria-haspopup": "listbox", "aria-expanded": "false", "aria-label": label });
  const root = h("div", { class: "picker" + (small ? " small" : ""), data }, shown);
  let drop = null;
  const draw = () => {
    shown.replaceChildren();
    if (!selected.length) shown.append(h("span", { class: "nothing" }, placeholder || "Choose an option"));
    else if (!multi) shown.append(selected[0].label);
    else selected.forEach((one) => shown.append(h("span", { class: "chip", data: { value: one.value } }, one.label, h("i", { title: "Remove", onclick: (event) => { event.stopPropagation(); set(selected.filter((other) => other !== one)); } }, "×"))));
  };
  const set = (list) => { selected = list; draw(); onchange(selected); };
  const shut = () => { if (drop) { drop.remove(); drop = null; root.classList.remove("open"); shown.setAttribute("aria-expanded", "false"); document.removeEventListener("pointerdown", away); removeEventListener("scroll", place, true); removeEventListener("resize", place); } };
  const away = (event) => { if (!root.contains(event.target)) shut(); };
  const pick = (one) => {
    if (!multi) { set([one]); shut(); shown.focus(); return; }
    const has = selected.some((other) => other.value === one.value);
    set(has ? selected.filter((other) => other.value !== one.value) : [...selected, one]);
    list().then(place);
  };
  let input, box, turn = 0;
  const list = async () => {
    const mine = ++turn;
    const found = source(input.value);
    if (found.then) box.replaceChildren(h("div", { class: "nothing" }, "Searching…"));
    const groups = await found;
    if (mine !== turn || !drop) return;
    box.replaceChildren();
    if (typeof groups === "string") { box.append(h("div", { class: "nothing" }, groups)); return; }
    let any = false;
    for (const group of groups) {
      if (group.label && group.items.length) box.append(h("div", { class: "group" }, group.label));
      for (const one of group.items) {
        any = true;
        box.append(h("button", { type: "button", role: "option", data: { value: one.value }, "aria-selected": selected.some((other) => other.value === one.value) ? "true" : "false", onclick: () => pick(one) }, h("span", {}, one.label), one.more ? h("small", {}, one.more) : null));
      }
    }
    if (!any) box.append(h("div", { class: "nothing" }, "No results"));
  };
  const move = (by) => {
    const all = [...box.querySelectorAll("button")];
    if (!all.length) return;
    const now = all.findIndex((one) => one.classList.contains("at"));
    all.forEach((one) => one.classList.remove("at"));
    const next = all[(now + by + all.length) % all.length];
    next.classList.add("at");
    next.scrollIntoView({ block: "nearest" });
  };
  // Below the field, or above where there is no room; fixed, so that no scrolling box cuts it off.
  const place = () => {
    if (!drop) return;
    const at = shown.getBoundingClientRect(), height = Math.max(drop.offsetHeight, 120);
    const up = at.bottom + height + 8 > window.innerHeight && at.top > height;
    drop.style.left = at.left + "px";
    drop.style.width = Math.max(at.width, 230) + "px";
    drop.style.top = (up ? at.top - height - 4 : at.bottom + 4) + "px";
  };
  shown.addEventListener("click", () => {
    if (drop) { shut(); return; }
    input = h("input", { type: "text", placeholder: "Search", "aria-label": "Search " + (label || "options"), oninput: () => list().then(place), onkeydown: (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); move(event.key === "ArrowDown" ? 1 : -1); }
      else if (event.key === "Enter") { event.preventDefault(); const at = box.querySelector("button.at") || box.querySelector("button"); if (at) at.click(); }
      else if (event.key === "Escape") { event.stopPropagation(); shut(); shown.focus(); }
    } });
    box = h("div", { class: "list", role: "listbox" });
    drop = h("div", { class: "drop" }, input, box);
    root.append(drop);
    root.classList.add("open");
    shown.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", away);
    addEventListener("scroll", place, true);
    addEventListener("resize", place);
    place();
    list().then(place);
    input.focus({ preventScroll: true });
  });
  draw();
  return root;
}

function fixedSource(element) {
  const groups = element.option_groups
    ? element.option_groups.map((group) => ({ label: group.label.text, items: group.options.map(item) }))
    : [{ items: (element.options || []).map(item) }];
  return (query) => groups.map((group) => ({ label: group.label, items: group.items.filter((one) => (one.label + " " + (one.more || "")).toLowerCase().includes(query.toLowerCase())) }));
}

const userItem = (one) => ({ value: one.id, label: one.name || one.handle, more: "@" + one.handle });
function peopleSource(query) {
  const all = ui.state.people.filter((one) => !one.deleted && !one.bot).map(userItem);
  return [{ items: all.filter((one) => (one.label + one.more).toLowerCase().includes(query.toLowerCase())) }];
}
function placeSource(query) {
  const all = ui.state.conversations.filter((one) => !one.im).map((one) => ({ value: one.id, label: "#" + one.name }));
  return [{ items: all.filter((one) => one.label.includes(query.toLowerCase())) }];
}

// ---- elements ----

async function confirmed(confirm) {
  if (!confirm) return true;
  return new Promise((resolve) => {
    const end = (answer) => { $("dialog").replaceChildren(); resolve(answer); };
    const yes = h("button", { type: "button", class: "button solid " + (confirm.style === "danger" ? "danger" : "primary"), data: { confirm: "yes" }, onclick: () => end(true) }, words(confirm.confirm));
    $("dialog").replaceChildren(h("div", { class: "veil" }, h("div", { class: "modal confirm", role: "alertdialog", "aria-modal": "true", "aria-label": (confirm.title || {}).text },
      h("header", {}, h("h2", {}, words(confirm.title))),
      h("div", { class: "inner" }, words(confirm.text)),
      h("footer", {}, h("button", { type: "button", class: "button", data: { confirm: "no" }, onclick: () => end(false) }, words(confirm.deny)), yes))));
    yes.focus();
  });
}

// `act(action, value, entry)` tells the bot; it resolves to the reply.
function button(element, act) {
  const node = h("button", { type: "button", class: "button " + (element.style || ""), data: { actionId: element.action_id, value: element.value }, "aria-label": element.accessibility_label }, words(element.text));
  node.addEventListener("click", async () => {
    if (!(await confirmed(element.confirm))) return;
    if (element.url && /^https?:/i.test(element.url)) window.open(element.url, "_blank", "noopener");
    node.disabled = true;
    const spin = h("span", { class: "spin", "aria-hidden": "true" });
    node.append(spin);
    await act(element.action_id, element.value || "");
    spin.remove();
    node.disabled = false;
  });
  return node;
}

// An interactive element outside an input: every choice is told at once.
function live(element, act, label, stored, place) {
  if (element.type === "button") return button(element, act);
  if (element.type === "image") return picture(element);
  if (element.type === "overflow") {
    return picker({ source: fixedSource(element), chosen: [], placeholder: "⋯", label: "More", small: true, data: { actionId: element.action_id }, onchange: (list) => list.length && act(element.action_id, list[0].value, { value: list[0].value }) });
  }
  return field(element, element.action_id, stored, label, (entry) => act(element.action_id, entry && entry.value ? entry.value : "", entry), place);
}

const picture = (element) => h("span", { class: "picture", role: "img", "aria-label": element.alt_text, title: element.image_url }, "🖼 " + (element.alt_text || "image"));

// A field with a value. `key` names it in `ui.typed` of the modal or message; `stored` is what the server holds.
function field(element, key, stored, label, told, view = ui.view) {
  const kind = element.type;
  const typed = ui.typed[view] || (ui.typed[view] = {});
  const keep = (value, entry) => { typed[key] = { value, entry }; if (told) told(entry); };
  const had = typed[key] && told === undefined ? typed[key].value : undefined;
  const data = { actionId: element.action_id };
  if (["plain_text_input", "number_input", "email_text_input", "url_text_input"].includes(kind)) {
    const value = had !== undefined ? had : (stored && stored.value) || "";
    const props = { class: "input", id: "f-" + key, placeholder: (element.placeholder || {}).text, data, maxlength: element.max_length, oninput: (event) => keep(event.target.value, event.target.value) };
    const types = { number_input: "text", email_text_input: "email", url_text_input: "url" };
    const node = element.multiline ? h("textarea", { ...props, rows: 4 }) : h("input", { ...props, type: types[kind] || "text", inputmode: kind === "number_input" ? "decimal" : null });
    node.value = value;
    return node;
  }
  if (["datepicker", "timepicker", "datetimepicker"].includes(kind)) {
    const type = { datepicker: "date", timepicker: "time", datetimepicker: "datetime-local" }[kind];
    const held = stored && (stored.selected_date || stored.selected_time);
    const node = h("input", { class: "input", id: "f-" + key, type, data, onchange: (event) => keep(event.target.value, kind === "datetimepicker" ? Date.parse(event.target.value) / 1000 : event.target.value) });
    node.value = had !== undefined ? had : held || "";
    return node;
  }
  if (kind === "checkboxes" || kind === "radio_buttons") {
    const many = kind === "checkboxes";
    const held = many ? (stored && stored.selected_options) || element.initial_options || [] : [(stored && stored.selected_option) || element.initial_option].filter(Boolean);
    const on = had !== undefined ? had : held.map((option) => option.value);
    const group = h("div", { role: many ? "group" : "radiogroup", "aria-label": label, data });
    for (const option of element.options || []) {
      const box = h("input", { type: many ? "checkbox" : "radio", name: "f-" + key, value: option.value, data: { value: option.value } });
      box.checked = on.includes(option.value);
      box.addEventListener("change", () => {
        const now = [...group.querySelectorAll("input")].filter((one) => one.checked).map((one) => one.value);
        keep(now, many ? now.map((value) => ({ value })) : { value: now[0] });
      });
      group.append(h("label", { class: "choice" }, box, h("span", {}, words(option.text), option.description ? h("small", {}, words(option.description)) : null)));
    }
    return group;
  }
  const multi = kind.startsWith("multi_");
  const people = kind.endsWith("users_select"), places = /(conversations|channels)_select$/.test(kind), external = kind.endsWith("external_select");
  const source = people ? peopleSource : places ? placeSource : !external ? fixedSource(element) : async (query) => {
    const least = element.min_query_length === undefined ? 3 : element.min_query_length;
    if (query.length < least) return `Type at least ${least} character${least === 1 ? "" : "s"}`;
    const reply = await post("options", { view, action: key, query });
    if (!reply.ok || !reply.acked) return "The options could not be loaded.";
    const payload = reply.payload || {};
    return payload.option_groups ? payload.option_groups.map((group) => ({ label: group.label.text, items: group.options.map(item) })) : [{ items: (payload.options || []).map(item) }];
  };
  const held = stored || {};
  const ids = held.selected_users || held.selected_conversations || held.selected_channels || [held.selected_user || held.selected_conversation || held.selected_channel || (told ? element.initial_user : null)].filter(Boolean);
  const options = held.selected_options || [held.selected_option || (told ? element.initial_option : null)].filter(Boolean);
  const chosen = had !== undefined ? had : people ? ids.map((id) => ({ value: id, label: called(id) })) : places ? ids.map((id) => ({ value: id, label: "#" + ((ui.state.conversations.find((one) => one.id === id) || {}).name || id) })) : options.map(item);
  const entry = (one) => (people || places ? one.value : { value: one.value });
  return picker({ source, chosen, multi, placeholder: (element.placeholder || {}).text, label, data, onchange: (list) => keep(list, multi ? list.map(entry) : list.length ? entry(list[0]) : null) });
}

// ---- blocks ----

function drawBlock(block, context) {
  const data = { blockId: block.block_id, block: block.type };
  switch (block.type) {
    case "header": return h("div", { class: "block header", role: "heading", "aria-level": "3", data }, words(block.text));
    case "divider": return h("hr", { class: "block divider", data });
    case "section": return h("div", { class: "block section", data },
      h("div", { class: "words" }, words(block.text), block.fields ? h("div", { class: "fields" }, block.fields.map((one) => h("div", {}, words(one)))) : null),
      block.accessory ? context.live(block.accessory, block) : null);
    case "context": return h("div", { class: "block context", data }, block.elements.map((one) => (one.type === "image" ? picture(one) : h("span", {}, words(one)))));
    case "actions": return h("div", { class: "block actions", data }, block.elements.map((one) => context.live(one, block)));
    case "image": return h("div", { class: "block", data }, block.title ? h("div", {}, words(block.title)) : null, picture(block));
    case "input": return context.input ? context.input(block) : h("div", { class: "block unknown", data }, "[input]");
    case "markdown": return h("div", { class: "block", data }, block.text.split("\n").flatMap((line, index) => (index ? [h("br"), line] : [line])));
    default: return h("div", { class: "block unknown", data }, `[${block.type}]`);
  }
}

// ---- conversations ----

const here = () => ui.state.conversations.find((one) => one.id === ui.at);
const app = () => (ui.state.people.find((one) => one.app) || {}).name || "App";
const title = (place) => (place.im ? app() : place.name);

function go(id) {
  if (!ui.state.conversations.some((one) => one.id === id)) return;
  ui.at = id;
  ui.nodes.clear();
  $("messages").replaceChildren();
  $("status").textContent = "";
  location.hash = ui.me + "/" + id;
  draw();
  $("text").focus();
}

function unread(place) {
  const seen = (ui.seen[ui.me] || {})[place.id] || "";
  return place.messages.filter((one) => one.user !== ui.me && one.ts > seen).length;
}

function drawRail() {
  const places = ui.state.conversations;
  const row = (place) => {
    const count = place.id === ui.at ? 0 : unread(place);
    const mark = place.im ? avatar(ui.state.people.find((one) => one.app), "mark") : h("span", { class: "mark", "aria-hidden": "true" }, place.private ? "🔒" : "#");
    return h("button", { type: "button", class: "place" + (count ? " unread" : ""), "aria-current": place.id === ui.at ? "true" : null, data: { channel: place.id, name: title(place), unread: count }, onclick: () => go(place.id) },
      mark, h("span", { class: "name" }, title(place)), place.im ? h("span", { class: "badge app" }, "APP") : null, place.archived ? h("span", { class: "badge" }, "archived") : null,
      count ? h("span", { class: "count", "aria-label": count + " unread" }, String(count)) : null);
  };
  const channels = places.filter((one) => !one.im).sort((a, b) => a.name.localeCompare(b.name));
  $("rail").replaceChildren(h("h2", {}, "Channels"), ...channels.map(row), h("h2", {}, "Apps"), ...places.filter((one) => one.mine).map(row));
}

function drawTop() {
  $("workspace").textContent = ui.state.workspace;
  const people = ui.state.people.filter((one) => !one.bot && !one.deleted && !one.stranger);
  $("switcher").replaceChildren(...people.map((one) => h("button", { type: "button", class: "person", role: "radio", "aria-checked": one.id === ui.me ? "true" : "false", data: { person: one.handle, user: one.id }, title: `${one.name} · ${one.tz || "UTC"}`, onclick: () => become(one.id) },
    avatar(one), one.id !== ui.me && (one.im_ts || "") > ((ui.seen[one.id] || {})[one.im] || "") ? h("span", { class: "dot", title: "Something new" }) : null, h("span", {}, one.name), one.guest ? h("small", {}, "guest") : null)));
  const controls = ui.state.controls;
  if (ui.controls !== JSON.stringify(controls)) {
    ui.controls = JSON.stringify(controls);
    $("controls").replaceChildren(...controls.map((one) => {
      const node = h("button", { type: "button", data: { control: one.id } }, one.label);
      node.addEventListener("click", async () => {
        node.setAttribute("aria-busy", "true");
        const reply = await post("control", { id: one.id });
        node.removeAttribute("aria-busy");
        toast(reply.said || reply.error);
        side();
      });
      return node;
    }));
  }
  $("notice").hidden = !ui.state.notice;
  $("notice").replaceChildren(...mrkdwn(ui.state.notice));
}

function drawMessage(message, place) {
  const one = person(message.user);
  const ms = Number(message.ts) * 1000;
  const key = place.id + "/" + message.ts, held = ui.me + "/" + key;
  const stored = (block, element) => ((message.values || {})[block.block_id] || {})[element.action_id];
  const name = (element) => message.ts + "/" + element.action_id;
  const act = async (action, value) => {
    // What is typed goes along with the press.
    for (const block of message.blocks || []) {
      const typed = block.type === "input" && (ui.typed[held] || {})[name(block.element)];
      if (typed) await post("type", { channel: place.id, ts: message.ts, action: block.element.action_id, value: typed.entry });
    }
    const reply = await post("click", { channel: place.id, ts: message.ts, action, value });
    ui.errors[key] = !reply.ok ? reply.error : reply.acked ? "" : "This app did not respond. Try again?";
    ui.nodes.delete(message.ts);
    draw();
    return reply;
  };
  const context = {
    live: (element, block) => live(element, act, (block.text || {}).text, stored(block, element), held),
    input: (block) => h("div", { class: "field", data: { blockId: block.block_id, label: block.label.text } },
      h("label", { class: "label", for: "f-" + name(block.element) }, words(block.label), block.optional ? h("span", { class: "optional" }, " (optional)") : null),
      field(block.element, name(block.element), stored(block, block.element), block.label.text, undefined, held)),
  };
  const body = message.blocks && message.blocks.length ? message.blocks.map((block) => drawBlock(block, context)) : h("div", { class: "block" }, mrkdwn(message.text));
  return h("article", { class: "message" + (message.ephemeral ? " ephemeral" : ""), data: { ts: message.ts, from: one ? one.handle : message.user } },
    avatar(one), h("div", { class: "content" },
      message.ephemeral ? h("div", { class: "eye" }, h("span", { "aria-hidden": "true" }, "👁"), "Only visible to you") : null,
      h("div", { class: "who" }, h("b", {}, called(message.user)), one && one.bot ? h("span", { class: "badge" }, "APP") : null, h("time", { datetime: new Date(ms).toISOString() }, clock(ms))),
      body, message.edited ? h("span", { class: "edited" }, "(edited)") : null,
      message.reactions.length ? h("div", { class: "reactions" }, message.reactions.map((name) => h("span", { title: name }, emoji(`:${name}:`), " 1"))) : null,
      ui.errors[key] ? h("div", { class: "did-not", role: "alert" }, "⚠ ", ui.errors[key]) : null));
}

function drawMessages() {
  const place = here();
  const list = $("messages");
  if (!place) { list.replaceChildren(); return; }
  $("title").textContent = (place.im ? "" : place.private ? "🔒 " : "# ") + title(place);
  $("about").textContent = place.im ? "App · direct messages with " + called(ui.me) : `${place.members} members` + (place.archived ? " · archived" : "");
  $("text").placeholder = "Message " + (place.im ? app() : "#" + place.name) + ", or " + (ui.state.commands[0] || "/command");
  $("text").disabled = place.archived;
  const bottom = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  const first = !ui.nodes.size;
  const wanted = [];
  let day = "";
  const nodes = new Map();
  for (const message of place.messages) {
    const ms = Number(message.ts) * 1000;
    if (dayKey(ms) !== day) {
      day = dayKey(ms);
      const word = near(ms) || zoned({ weekday: "long", month: "long", day: "numeric" }, ms, zone());
      wanted.push(h("div", { class: "day" }, h("span", {}, word[0].toUpperCase() + word.slice(1))));
    }
    const text = JSON.stringify(message) + (ui.errors[place.id + "/" + message.ts] || "") + ui.me;
    const old = ui.nodes.get(message.ts);
    const node = old && old.text === text ? old.node : drawMessage(message, place);
    if (!first && !old) node.classList.add("fresh");
    nodes.set(message.ts, { text, node });
    wanted.push(node);
  }
  ui.nodes = nodes;
  if (!wanted.length) {
    wanted.push(h("div", { class: "empty" }, h("b", {}, place.im ? `This is where ${app()} writes to you` : "Nothing here yet"), place.im ? "Approvals, confirmations and reminders arrive here." : `Type ${ui.state.commands[0] || "/command"} below to begin.`));
  }
  // Moving a node would drop its focus: only what differs is touched.
  wanted.forEach((node, index) => { if (list.children[index] !== node) list.insertBefore(node, list.children[index] || null); });
  while (list.children.length > wanted.length) list.lastChild.remove();
  if (bottom || first) list.scrollTop = list.scrollHeight;
  const last = place.messages[place.messages.length - 1];
  if (last) (ui.seen[ui.me] || (ui.seen[ui.me] = {}))[place.id] = last.ts;
}

// ---- modals ----

function collect(view) {
  const typed = ui.typed[view.id] || {};
  const values = {};
  for (const block of view.view.blocks) {
    const elements = block.type === "input" ? [block.element] : block.type === "actions" ? block.elements : block.accessory ? [block.accessory] : [];
    for (const element of elements) {
      const key = block.block_id + "/" + element.action_id;
      if (block.type === "input" && typed[key]) values[key] = typed[key].entry;
    }
  }
  return values;
}

function drawModal() {
  const stack = ui.state.views, view = stack[stack.length - 1];
  const signature = view ? JSON.stringify([ui.me, view.id, view.hash, view.errors, view.trouble, stack.length, ui.busy === view.id]) : "";
  if (signature === ui.signature) return;
  const again = ui.signature && view && ui.signature.includes(`"${view.id}"`);
  const held = again && document.activeElement ? document.activeElement.id : "";
  const scroll = again && document.querySelector("#layer .inner") ? document.querySelector("#layer .inner").scrollTop : 0;
  ui.signature = signature;
  if (!view) { $("layer").replaceChildren(); return; }
  ui.view = view.id;
  const busy = ui.busy === view.id;
  const told = (block) => async (action, value, entry) => {
    await post("fill", { view: view.id, values: collect(view) });
    const reply = entry !== undefined ? await post("choose", { view: view.id, action: block.block_id + "/" + action, entry }) : await post("press", { view: view.id, action, value });
    if (!reply.ok || !reply.acked) toast(reply.error || "We had some trouble connecting. Try again?");
    return reply;
  };
  const context = {
    live: (element, block) => {
      const stored = (view.values[block.block_id] || {})[element.action_id];
      const act = told(block);
      if (element.type === "button" || element.type === "overflow" || element.type === "image") return live(element, act);
      return field(element, block.block_id + "/" + element.action_id, stored, (block.text || {}).text, (entry) => act(element.action_id, "", entry));
    },
    input: (block) => {
      const key = block.block_id + "/" + block.element.action_id;
      const stored = (view.values[block.block_id] || {})[block.element.action_id];
      const error = view.errors[block.block_id];
      const act = block.dispatch_action ? (entry) => told(block)(block.element.action_id, "", entry) : undefined;
      const control = field(block.element, key, stored, block.label.text, act);
      const id = "f-" + key, labelled = control.id === id;
      return h("div", { class: "field" + (error ? " wrong" : ""), data: { blockId: block.block_id, label: block.label.text } },
        h(labelled ? "label" : "span", { class: "label", for: labelled ? id : null }, words(block.label), block.optional ? h("span", { class: "optional" }, " (optional)") : null),
        control,
        error ? h("div", { class: "error", role: "alert" }, h("span", {}, error)) : null,
        block.hint ? h("div", { class: "hint" }, words(block.hint)) : null);
    },
  };
  const submit = async (event) => {
    event.preventDefault();
    if (ui.busy) return;
    ui.busy = view.id;
    drawModal();
    const reply = await post("submit", { view: view.id, values: collect(view) });
    ui.busy = null;
    if (!reply.ok && !(reply.why || []).some(([name]) => name)) toast(reply.error);
    drawModal();
  };
  const close = () => post("close", { view: view.id });
  const submits = view.view.submit;
  const form = h("form", { class: "modal", role: "dialog", "aria-modal": "true", "aria-label": view.view.title.text, novalidate: true, data: { view: view.id, callbackId: view.view.callback_id }, onsubmit: submit, onkeydown: (event) => { if (event.key === "Escape" && !busy) close(); } },
    h("header", {}, avatar(ui.state.people.find((one) => one.app)), h("h2", {}, words(view.view.title)), h("button", { type: "button", class: "shut", "aria-label": "Close", onclick: close }, "×")),
    view.trouble ? h("div", { class: "trouble", role: "alert" }, "⚠ ", view.trouble) : null,
    h("div", { class: "inner" }, view.view.blocks.map((block) => drawBlock(block, context))),
    h("footer", {}, h("button", { type: "button", class: "button", id: "modal-close", disabled: busy, onclick: close }, view.view.close ? words(view.view.close) : submits ? "Cancel" : "Close"),
      submits ? h("button", { type: "submit", class: "button primary", id: "modal-submit", disabled: busy }, words(submits), busy ? h("span", { class: "spin", "aria-label": "waiting" }) : null) : null));
  $("layer").replaceChildren(h("div", { class: "veil" }, form));
  form.querySelector(".inner").scrollTop = scroll;
  const wrong = form.querySelector(".field.wrong .input, .field.wrong .shown");
  const focus = (held && document.getElementById(held)) || wrong || form.querySelector(".input, .shown, input") || form.querySelector("footer button:last-child");
  if (focus) focus.focus();
}

// ---- the composer ----

function toast(text) {
  if (!text) return;
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(ui.toast);
  ui.toast = setTimeout(() => { $("toast").hidden = true; }, 5000);
}

$("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  $("text").value = "";
  $("suggest").hidden = true;
  $("box").classList.remove("ready");
  $("status").className = "";
  $("status").textContent = text.startsWith("/") ? "Sending…" : "";
  const reply = await post("send", { channel: ui.at, text });
  $("status").className = reply.ok ? "" : "bad";
  $("status").textContent = reply.ok ? "" : reply.error;
});

$("text").addEventListener("input", () => {
  const text = $("text").value;
  $("box").classList.toggle("ready", text.trim() !== "");
  const found = text.startsWith("/") && !text.includes(" ") ? ui.state.commands.filter((one) => one.startsWith(text) && one !== text) : [];
  $("suggest").hidden = !found.length;
  $("suggest").replaceChildren(...found.map((one) => h("button", { type: "button", role: "option", data: { command: one }, onclick: () => { $("text").value = one + " "; $("suggest").hidden = true; $("text").focus(); } }, one)));
});

function menu(open) {
  $("shortcuts").hidden = !open;
  $("lightning").setAttribute("aria-expanded", open ? "true" : "false");
  if (!open) return;
  const all = ui.state.shortcuts;
  $("shortcuts").replaceChildren(...(all.length ? all.map((one) => h("button", { type: "button", role: "menuitem", data: { shortcut: one.id }, onclick: async () => {
    menu(false);
    const reply = await post("shortcut", { id: one.id });
    if (!reply.acked) toast("We had some trouble connecting. Try again?");
  } }, "⚡ " + one.name)) : [h("div", { class: "nothing" }, "The app has no shortcuts")]));
  $("shortcuts").querySelector("button")?.focus();
}
$("lightning").addEventListener("click", () => menu($("shortcuts").hidden));
document.addEventListener("pointerdown", (event) => { if (!event.target.closest("#shortcuts, #lightning")) menu(false); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") menu(false); });

// ---- keeping up ----

function draw() {
  if (!here()) ui.at = (ui.state.conversations.find((one) => !one.im && !one.archived) || ui.state.conversations[0] || {}).id;
  drawTop();
  drawMessages();
  drawRail();
  drawModal();
}

function become(id) {
  if (id === ui.me) return;
  ui.me = id;
  ui.nodes.clear();
  ui.signature = "";
  $("layer").replaceChildren();
  $("messages").replaceChildren();
  location.hash = id + "/" + (ui.at || "");
  load(true);
}

async function load(fresh) {
  const who = ui.me || "";
  const since = fresh || !ui.state ? "" : "&since=" + ui.state.version;
  const answer = await fetch(`/page/state?user=${encodeURIComponent(who)}${since}`);
  const state = await answer.json();
  if (who !== (ui.me || "")) return;
  ui.state = state;
  if (!ui.me) {
    const first = state.people.find((one) => !one.bot && !one.deleted && !one.stranger);
    const [asked, place] = location.hash.slice(1).split("/");
    const known = state.people.find((one) => one.id === asked || one.handle === asked);
    ui.at = place || null;
    if (known || first) { ui.me = (known || first).id; await load(true); }
    return;
  }
  draw();
}

async function side() {
  try {
    const answer = await fetch("/page/side");
    const now = Number(answer.headers.get("x-sandbox-now"));
    if (ui.state && now) {
      ui.state.now = now;
      $("clock").textContent = zoned({ weekday: "short", hour: "numeric", minute: "2-digit" }, now, zone());
      $("clock").title = "The workspace's clock, in " + zone();
    }
    const panel = await answer.json();
    $("side").hidden = !panel;
    const text = JSON.stringify(panel);
    if (!panel || text === ui.side) return;
    ui.side = text;
    $("side").replaceChildren(h("h2", {}, panel.title || ""), ...(panel.sections || []).flatMap((one) => [h("h3", {}, one.heading || ""),
      (one.lines || []).length ? h("ul", {}, one.lines.map((line) => h("li", {}, mrkdwn(String(line))))) : h("div", { class: "nothing" }, "nothing")]));
  } catch { /* The sandbox is gone; the other loop says so. */ }
}

(async () => {
  side();
  setInterval(side, 1000);
  for (;;) {
    try {
      await load(false);
      if (!ui.me) await new Promise((resolve) => setTimeout(resolve, 500));
    } catch (error) {
      console.error(error);
      toast("The sandbox does not answer.");
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
  }
})();
