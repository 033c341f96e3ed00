import { createHash } from 'node:crypto';

/** The console's one style sheet. It uses system fonts and our own colours, and loads nothing from elsewhere. */

const COLOURS = `
:root {
  color-scheme: light dark;
  --ground: #ffffff; --raised: #f5f7f9; --ink: #1b2430; --soft: #515e6c; --line: #d5dce4; --edge: #7b8794;
  --link: #0b57a4; --focus: #b3470b; --bar: #2f6fb0; --button: #0b57a4; --on-button: #ffffff;
  --good: #17683a; --wait: #7a4d00; --bad: #a3211b;
  --good-ground: #e4f3ea; --wait-ground: #fdf1d8; --bad-ground: #fdeae8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12171d; --raised: #1b232c; --ink: #e8edf2; --soft: #aab6c3; --line: #313d49; --edge: #7d8b99;
    --link: #8cc4ff; --focus: #ffb366; --bar: #6ba9e8; --button: #8cc4ff; --on-button: #0d1a28;
    --good: #7fd498; --wait: #f0c266; --bad: #ff9d96;
    --good-ground: #15301f; --wait-ground: #34280e; --bad-ground: #3c1a18;
  }
}`;

const TEXT = `
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
a { color: var(--link); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 2.5rem 0 .5rem; }
p { margin: .5rem 0; max-width: 48rem; }
code { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere; }
time span, .whole { white-space: nowrap; }
figcaption, .strong { font-weight: 600; }
.soft { color: var(--soft); }
.id { font-size: .875rem; font-weight: 400; color: var(--soft); overflow-wrap: break-word; }
.value { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.mark { display: inline-block; padding: 0 .5rem; border-radius: 1rem; font-size: .875rem; font-weight: 600; white-space: nowrap; background: var(--raised); color: var(--soft); }
.linked, .agreed, .served, .done { background: var(--good-ground); color: var(--good); }
.pending, .differs, .paused, .unknown { background: var(--wait-ground); color: var(--wait); }
.conflict, .quarantined, .failing, .refused { background: var(--bad-ground); color: var(--bad); }`;

const FRAME = `
.skip { position: absolute; left: -100vw; padding: .5rem 1rem; background: var(--ground); }
.skip:focus { left: .5rem; top: .5rem; z-index: 1; }
header { display: flex; flex-wrap: wrap; gap: 0 1.5rem; align-items: center; padding: 0 max(1.5rem, calc(50vw - 40rem)); background: var(--raised); border-bottom: 1px solid var(--line); }
header .user { display: flex; gap: .75rem; align-items: center; margin: .5rem 0 .5rem auto; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; margin: 0; padding: 0; }
header nav a { display: block; padding: 1rem .25rem calc(1rem - 3px); border-bottom: 3px solid transparent; text-decoration: none; }
header nav a:hover { border-color: var(--line); }
header nav a[aria-current] { color: var(--ink); font-weight: 600; border-color: var(--link); }
nav.pages a { display: inline-block; padding: .5rem 0; }
main { padding: 1.5rem 1.5rem 4rem; max-width: 83rem; margin: 0 auto; }
main:focus { outline: none; }
.narrow { max-width: 28rem; padding-top: 12vh; }
.narrow .brand { color: var(--soft); margin: 0 0 1.5rem; font-weight: 600; }
.narrow form, .narrow input, .narrow form button { width: 100%; }
.notice { border: 1px solid var(--line); border-left: 4px solid var(--good); border-radius: .25rem; background: var(--raised); padding: .75rem 1rem; margin: .5rem 0; max-width: none; }
.notice.bad { border-left-color: var(--bad); } .notice.wait { border-left-color: var(--wait); }
.notice p { margin: .25rem 0 0; max-width: none; }
.faults { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: .75rem; }
.faults .notice { margin: 0; } .faults .bad { grid-column: 1 / -1; }
.bar { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; align-items: center; margin: 0 0 1.5rem; }
.bar form { margin-left: auto; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.5rem; margin: 1rem 0; }
dl.facts dt { color: var(--soft); } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(6, 1fr); gap: .75rem; padding: 0; margin: 1.5rem 0; list-style: none; }
.tiles li > * { display: block; height: 100%; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem; color: var(--soft); line-height: 1.3; }
.tiles a { text-decoration: none; background: var(--raised); } .tiles a:hover { border-color: var(--link); }
.tiles strong { display: block; font-size: 1.75rem; line-height: 1.3; color: var(--ink); font-variant-numeric: tabular-nums; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem 2.5rem; }`;

const TABLES = `
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; color: var(--soft); padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .55rem 1.25rem .55rem 0; border-bottom: 1px solid var(--line); }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--soft); font-size: .875rem; font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 500; overflow-wrap: break-word; }
td { overflow-wrap: break-word; }
td.long { overflow-wrap: anywhere; min-width: 14rem; }
td.act { text-align: right; white-space: nowrap; } tbody th { min-width: 11rem; }
.wide { overflow-x: auto; }
.numbers td:not(.state), .numbers thead th:not(:first-child) { text-align: right; font-variant-numeric: tabular-nums; }
.numbers.worded thead th:last-child { text-align: left; } .numbers.few table { width: auto; min-width: min(100%, 44rem); }
dl.changes { margin: 0; display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: .15rem .75rem; }
dl.changes dt { color: var(--soft); overflow-wrap: anywhere; } dl.changes dd { margin: 0; min-width: 0; }
del { color: var(--soft); text-decoration: none; }
.chart { margin: .5rem 0; } .chart svg { width: 100%; height: auto; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
svg .grid { stroke: var(--line); } svg .limit { stroke: var(--bad); stroke-dasharray: 6 4; } svg .bar { fill: var(--bar); }
summary { color: var(--link); cursor: pointer; padding: .25rem 0; }`;

const FORMS = `
form.filter, .row { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; }
form.filter { margin-bottom: 1.25rem; }
form.filter > label { flex: 1; max-width: 26rem; } form.filter > label input { width: 100%; }
form.filter summary { padding: .5rem 0; } form.filter details[open] { flex-basis: 100%; }
form.inline { display: flex; gap: .5rem; justify-content: flex-end; align-items: center; }
form.inline input { width: 11rem; min-width: 0; }
label { display: block; } label.field { font-size: .875rem; color: var(--soft); } label.field > * { font-size: 1rem; margin-top: .15rem; display: block; }
label.choice { display: flex; gap: .75rem; align-items: baseline; padding: .5rem 0; }
input, select, textarea { font: inherit; color: var(--ink); background: var(--ground); border: 1px solid var(--edge); border-radius: .25rem; padding: .4rem .6rem; max-width: 100%; }
input:not([type="radio"]), select { min-height: 2.5rem; }
input[type="radio"] { width: 1.1rem; height: 1.1rem; flex: none; position: relative; top: .15rem; }
textarea { width: 100%; min-height: 5rem; display: block; }
button, a.button { font: inherit; min-height: 2.5rem; padding: .4rem 1rem; border: 1px solid var(--button); border-radius: .25rem; background: var(--button); color: var(--on-button); cursor: pointer; white-space: nowrap; }
a.button { display: inline-flex; align-items: center; text-decoration: none; }
button.plain, a.button.plain { background: transparent; color: var(--link); border-color: var(--edge); }
button:hover, a.button:hover { border-color: var(--ink); }
fieldset { border: 1px solid var(--line); border-radius: .5rem; margin: .75rem 0; padding: .75rem 1rem 1rem; min-width: 0; }
legend { font-weight: 600; padding: 0 .4rem; margin-left: -.4rem; }
.sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); gap: .75rem; margin: .25rem 0 .75rem; }
.side { display: flex; flex-direction: column; gap: .75rem; justify-content: space-between; align-items: flex-start; padding: .75rem 1rem; background: var(--raised); border-radius: .25rem; }
.side p { margin: 0; }
.choices { display: flex; flex-wrap: wrap; gap: 0 1.5rem; align-items: baseline; }`;

/**
 * On a narrow screen, a row of a table is a card: its heading on top, then each cell beside the title of its column.
 */
const PHONE = `
@media (max-width: 60rem) { .tiles { grid-template-columns: repeat(3, 1fr); } }
@media (max-width: 48rem) {
  main { padding: 1.25rem 1rem 3rem; }
  h1 { font-size: 1.4rem; } h2 { margin-top: 2rem; }
  header { padding: .25rem 1rem 0; }
  header nav { order: 1; width: 100%; }
  header nav ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(5rem, 1fr)); gap: 0 .25rem; }
  header nav a { padding: .65rem 0 calc(.65rem - 3px); font-size: .9375rem; text-align: center; }
  .tiles { grid-template-columns: repeat(2, 1fr); gap: .5rem; margin: 1rem 0; }
  .tiles strong { font-size: 1.4rem; }
  .bar form { margin-left: 0; }
  dl.facts { grid-template-columns: 1fr; gap: 0; } dl.facts dd { margin-bottom: .75rem; }
  .wide thead { display: none; }
  .wide table, .wide caption, .wide tbody, .wide tr, .wide tbody th { display: block; width: 100%; min-width: 0; }
  .wide tr, .wide tbody.group { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; padding: .6rem .9rem; }
  .wide tbody.group { display: flex; flex-direction: column; } .wide tbody.group tr { display: contents; }
  .wide tbody.group tr + tr td:first-child { border-top: 1px solid var(--line); margin-top: .5rem; padding-top: .5rem; }
  .wide tbody.group td.act { order: 1; }
  .wide td, .wide tbody th { border: 0; padding: .2rem 0; }
  .wide tbody th { font-weight: 600; padding-bottom: .35rem; }
  .wide td { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: 0 .75rem; }
  .wide td::before { content: attr(data-title); color: var(--soft); font-weight: 400; }
  .wide td.act, .wide td.block { display: block; text-align: left; white-space: normal; }
  .wide td.act { padding-top: .5rem; } .wide td.act::before { content: none; } .wide td.block::before { display: block; }
  .wide.numbers td { display: inline-block; width: auto; padding: 0 1rem 0 0; text-align: left; }
  .wide.numbers td::before { content: attr(data-title) " "; } .wide.numbers td div { display: inline; }
  .wide td[data-empty] { display: none; }
  dl.changes { grid-template-columns: 1fr; } dl.changes dd { margin-bottom: .35rem; }
  form.filter { margin-bottom: .75rem; } form.filter details { flex-basis: 100%; }
  .row { display: grid; grid-template-columns: 1fr 1fr; } .row label, .row input, .row select { width: 100%; min-width: 0; }
  form.inline { justify-content: flex-start; } form.inline input { width: auto; flex: 1; }
  .side button { width: 100%; white-space: normal; }
  svg text { font-size: 20px; }
}
`;

export const STYLE = [COLOURS, TEXT, FRAME, TABLES, FORMS, PHONE].join('');

export const STYLE_VERSION = createHash('sha256').update(STYLE).digest('hex').slice(0, 12);
