import { createHash } from 'node:crypto';

/** The console's one style sheet. System fonts and colours of our own; nothing is fetched from elsewhere. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #ffffff; --raised: #f4f6f8; --ink: #1b2430; --soft: #4d5a69; --line: #c6ced8;
  --link: #0b57a4; --focus: #b3470b; --good: #1a6b35; --wait: #7a5200; --bad: #a8201a; --bar: #2f6fb0; --button: #0b57a4; --on-button: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12171d; --raised: #1c242d; --ink: #e8edf2; --soft: #aab6c3; --line: #3b4856;
    --link: #8cc4ff; --focus: #ffb366; --good: #7fd498; --wait: #f0c266; --bad: #ff9d96; --bar: #6ba9e8; --button: #8cc4ff; --on-button: #0d1a28;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; padding: .5rem 1rem; background: var(--ground); }
.skip:focus { left: .5rem; top: .5rem; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center; padding: .5rem 1.5rem; background: var(--raised); border-bottom: 1px solid var(--line); }
header form { margin-left: auto; display: flex; gap: .75rem; align-items: center; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: 0; padding: 0; }
nav a { display: inline-block; padding: .25rem 0; }
nav a[aria-current] { color: var(--ink); font-weight: 600; text-decoration-thickness: 3px; }
main { padding: .5rem 1.5rem 3rem; max-width: 90rem; margin: 0 auto; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; color: var(--soft); padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); }
tbody th { font-weight: 500; }
thead th { color: var(--soft); font-weight: 600; }
td, tbody th { overflow-wrap: break-word; }
td .value, td.long { overflow-wrap: anywhere; } td.long { min-width: 14rem; }
.id { font-size: .875rem; color: var(--soft); overflow-wrap: anywhere; }
.wide { overflow-x: auto; } .wide + .wide { margin-top: 1rem; }
.value { white-space: pre-wrap; unicode-bidi: isolate; }
.mark { font-weight: 600; }
.linked, .agreed { color: var(--good); } .pending, .differs, .paused { color: var(--wait); }
.conflict, .quarantined { color: var(--bad); } .tombstone, .soft { color: var(--soft); }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem; }
dl.facts dt { color: var(--soft); } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
form.row { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; }
label { display: block; }
input, select, textarea { font: inherit; color: var(--ink); background: var(--ground); border: 1px solid var(--soft); border-radius: .25rem; padding: .35rem .5rem; max-width: 100%; }
textarea { width: 100%; min-height: 4rem; }
button { font: inherit; padding: .35rem .9rem; border: 1px solid var(--button); border-radius: .25rem; background: var(--button); color: var(--on-button); cursor: pointer; }
button.plain { background: var(--ground); color: var(--link); border-color: var(--link); }
fieldset { border: 1px solid var(--line); border-radius: .25rem; margin: 1rem 0; padding: .75rem 1rem; }
legend { font-weight: 600; padding: 0 .4rem; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1rem 2rem; }
.notice { border-left: 4px solid var(--good); background: var(--raised); padding: .6rem 1rem; }
.notice.bad { border-color: var(--bad); } .notice.wait { border-color: var(--wait); } .notice + .notice { margin-top: .5rem; }
.chart { margin: 1rem 0; } .chart svg { width: 100%; height: auto; }
figcaption { font-weight: 600; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
svg .grid { stroke: var(--line); } svg .limit { stroke: var(--bad); stroke-dasharray: 6 4; } svg .bar { fill: var(--bar); }
details summary { color: var(--link); cursor: pointer; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1rem; padding: 0; list-style: none; }
.tiles a { display: block; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .25rem; background: var(--raised); text-decoration: none; color: var(--ink); }
.tiles strong { display: block; font-size: 1.6rem; }
@media (max-width: 48rem) {
  main, header { padding-left: 1rem; padding-right: 1rem; }
  dl.facts { grid-template-columns: 1fr; } dl.facts dd { margin-bottom: .5rem; }
  .two { grid-template-columns: 1fr; }
  /* One record below another: a row is a card, and each cell says its column. */
  .wide thead { position: absolute; clip-path: inset(50%); }
  .wide table, .wide tbody, .wide tr, .wide td, .wide tbody th, .wide caption { display: block; }
  .wide tr { border: 1px solid var(--line); border-radius: .25rem; margin: .5rem 0; padding: .25rem .75rem; }
  .wide td, .wide tbody th { border: 0; padding: .2rem 0; min-width: 0; }
  .wide td[data-title]::before { content: attr(data-title) ": "; color: var(--soft); }
  form.row label, form.row input, form.row select { width: 100%; }
}
`;

export const STYLE_VERSION = createHash('sha256').update(STYLE).digest('hex').slice(0, 12);
