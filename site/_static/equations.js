/* Equations of a page: the form that fits its width, numbers that are links, and a preview of what they lead to. */
const LEAST_WIDE = 0.85, LEAST_NARROW = 0.7;  // how much smaller than usual an equation may be drawn so that it fits
const BEGIN = '\\begin{aligned}', END = '\\end{aligned}';
const TAG = /\\tag\{([^{}]*)\}/;
export const NUMBER = /\((\d+\.\d+)\)/g;
export const root = document.documentElement.dataset.content_root ?? './';

const escaped = text => text.replace(/[&<>"]/g, mark => `&#${mark.charCodeAt(0)};`);

/* {number: {page, latex, title}} of all equations of the collection. */
let known;
export const equations = () => known ??= fetch(`${root}_static/equations.json`).then(answer => answer.json()).catch(() => ({}));

/* ---------------------------------------------------------------- the narrow form */

/* Split at a separator that stands in no braces and in no inner environment. */
export function split(latex, separator) {
  const parts = [], tokens = /\\begin|\\end|\\\\|\\[{}&]|[{}&]/g;
  let depth = 0, start = 0;
  for (const token of latex.matchAll(tokens)) {
    if (token[0] === '\\begin' || token[0] === '{') depth += 1;
    else if (token[0] === '\\end' || token[0] === '}') depth -= 1;
    else if (token[0] === separator && depth === 0) {
      parts.push(latex.slice(start, token.index));
      start = token.index + separator.length;
    }
  }
  return [...parts, latex.slice(start)];
}

/* The same equation with its reasons below the lines, and its number below the whole. */
export function narrow(latex) {
  const tag = latex.match(TAG);
  latex = latex.replace(TAG, '').trim();
  if (!latex.startsWith(BEGIN)) latex = `${BEGIN}&${latex}${END}`;
  const rows = split(latex.slice(BEGIN.length, latex.lastIndexOf(END)), '\\\\').map(row => {
    const cells = split(row.replace(/^\s*\[\d+pt\]/, ''), '&').map(cell => cell.trim());
    const below = cells.slice(2).filter(Boolean).map(cell => cell.replace(/^(\\quad\s*)?(\\small\s*)?/, ''));
    return cells.slice(0, 2).join(' &') + (below.length ? ` \\\\ &\\quad\\small ${below.join('\\quad ')}` : '');
  });
  if (tag) rows.push(`&\\quad\\small\\text{(${tag[1]})}`);
  return BEGIN + rows.join(' \\\\[4pt] ') + END;
}

/* ---------------------------------------------------------------- an equation in the page */

/* The HTML of a displayed equation; its number is its anchor. */
export function equationHtml(latex) {
  const tag = latex.match(TAG);
  return `<div class="equation"${tag ? ` id="eq-${escaped(tag[1])}"` : ''}><div class="math">\\[${escaped(latex)}\\]</div></div>`;
}

const latexOf = equation => equation.dataset.latex ??= equation.textContent.trim().replace(/^\\\[|\\\]$/g, '');

/* The reason "by (1.3)" leads to that equation. */
const withLinks = (latex, all) => latex.replace(/\\text\{([^{}]*)\}/g, (whole, words) => words.replace(NUMBER, (mark, number) =>
  all[number] ? `}\\href{${addressOf(number, all[number])}}{\\text{${mark}}}\\text{` : mark).replace(/^/, '\\text{') + '}');
const twoForms = latex => TAG.test(latex) || latex.includes('&&');

/* Before MathJax draws them: remember what each equation is, and let its reasons lead to the equations that they cite. */
export async function prepare(part = document) {
  const all = await equations();
  for (const equation of part.querySelectorAll('.equation')) {
    const latex = latexOf(equation), linked = withLinks(latex, all);
    if (linked === latex || equation.querySelector('mjx-container')) continue;
    equation.dataset.latex = linked;
    equation.querySelector('.math').textContent = `\\[${linked}\\]`;
  }
}

/* What is drawn of an equation is wider than its room: MathJax gives a numbered one its least width, any other its own. */
function tooWide(equation) {
  const drawn = [...equation.querySelectorAll('mjx-container, mjx-container > svg')];
  return drawn.some(part => part.getBoundingClientRect().width * LEAST_WIDE > equation.clientWidth + 1);
}

function shrink(equation) {  // a little too wide is drawn a little smaller; much too wide scrolls
  for (const drawn of equation.querySelectorAll('mjx-container')) {
    const ratio = () => equation.clientWidth / Math.max(drawn.scrollWidth, drawn.firstElementChild.getBoundingClientRect().width - 1);
    let size = parseFloat(getComputedStyle(drawn).fontSize);
    const least = size * LEAST_NARROW;
    if (ratio() < LEAST_NARROW) continue;
    while (ratio() < 1 && size > least) {  // by little steps, because a browser rounds the height of small letters
      size = Math.min(size - 0.2, size * ratio());
      drawn.style.setProperty('font-size', `${size}px`, 'important');
    }
  }
}

async function redraw(equation, latex, tight) {
  const shown = equation.querySelector('.math');
  MathJax.typesetClear([shown]);
  shown.textContent = `\\[${latex}\\]`;
  equation.classList.toggle('tight', tight);
  await MathJax.typesetPromise([shown]);
}

async function fit(equation) {
  if (!equation.clientWidth || equation.dataset.fitted === String(equation.clientWidth)) return;
  equation.dataset.fitted = equation.clientWidth;
  const latex = equation.dataset.latex;
  equation.querySelectorAll('mjx-container').forEach(drawn => drawn.style.removeProperty('font-size'));
  if (twoForms(latex)) {
    if (equation.classList.contains('tight')) await redraw(equation, latex, false);
    if (tooWide(equation)) await redraw(equation, narrow(latex), true);
  }
  shrink(equation);
}

/* Show each equation of a part in the form that fits: one line and its reason side by side, or the reason below. */
export async function fitAll(part = document) {
  for (const equation of part.querySelectorAll('.equation')) await fit(equation);
  for (const box of part.querySelectorAll('.equation mjx-container, .bd-content table')) {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;  // the keyboard can scroll it
  }
}

/* Typeset what has been added to the page. */
export async function typeset(part) {
  await prepare(part);
  await MathJax.startup.promise;
  await MathJax.typesetPromise([part]);
  await fitAll(part);
  await linkNumbers(part);
}

/* ---------------------------------------------------------------- "(4.6)" is a link */

const NO_LINK = 'a, pre, code, textarea, script, style, h1, h2, h3, .equation, mjx-container, summary, .dock';

/* Each "(4.6)" in running text becomes a link to that equation, if the collection has it; not among measured numbers. */
export async function linkNumbers(part) {
  if (DOCUMENTATION_OPTIONS.pagename === 'benchmarks') return;
  const all = await equations();
  const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT, node =>
    !node.parentElement.closest(NO_LINK) && /\(\d+\.\d+\)/.test(node.data) ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_REJECT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    const html = escaped(text.data).replace(NUMBER, (whole, number) => all[number] ? linkHtml(number, all[number]) : whole);
    const holder = document.createElement('template');
    holder.innerHTML = html;
    text.replaceWith(holder.content);
  }
}

export const addressOf = (number, {page}) => `${root}${page}.html#eq-${number}`;
export const linkHtml = (number, about) => `<a class="eqref" data-number="${number}" href="${addressOf(number, about)}">(${number})</a>`;

const CITING = 'a.eqref, mjx-container a';

/* Hovering over such a link, or reaching it with the keyboard, shows the equation. */
export function previewNumbers() {
  let box, waiting;
  const hide = () => { clearTimeout(waiting); box?.remove(); box = undefined; };
  const numberOf = link => (link.getAttribute('href') ?? link.getAttribute('xlink:href')).split('#eq-')[1];
  const show = async link => {
    const about = (await equations())[numberOf(link)];
    hide();
    if (!about || !link.matches(':hover, :focus')) return;
    box = document.createElement('div');
    box.className = 'preview';
    box.setAttribute('role', 'tooltip');
    box.innerHTML = `<div class="equation"><div class="math">\\[${escaped(about.latex)}\\]</div></div><small>${escaped(about.title)}</small>`;
    document.body.append(box);
    const at = link.getBoundingClientRect();
    box.style.left = `${Math.max(8, Math.min(at.left - 40, innerWidth - box.offsetWidth - 8))}px`;
    await prepare(box);
    await MathJax.typesetPromise([box]);
    if (!box) return;
    await fitAll(box);
    const above = at.top > box.offsetHeight + 12;
    box.style.top = `${scrollY + (above ? at.top - box.offsetHeight - 8 : at.bottom + 8)}px`;
    box.classList.add('placed');
  };
  const soon = event => {
    const link = event.target.closest?.(CITING);
    if (link) { clearTimeout(waiting); waiting = setTimeout(show, 150, link); }
  };
  addEventListener('pointerover', soon);
  addEventListener('focusin', soon);
  addEventListener('pointerout', event => event.target.closest?.(CITING) && hide());
  addEventListener('focusout', hide);
  addEventListener('keydown', event => event.key === 'Escape' && hide());
}
