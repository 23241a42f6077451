/* The whole collection on one page: answers at the end of their lesson, equations in the form that fits the paper. */
import {fitAll, prepare} from './equations.js';

const NUMBERED = /^(\d+\.\d+)\b/;

/* An answer belongs to the exercise whose number stands last before it. */
function answersLast(lesson) {
  const section = document.createElement('section');
  section.innerHTML = '<h2>Answers</h2>';
  let number = '';
  for (const part of lesson.querySelectorAll('strong, details')) {
    if (part.matches('strong')) number = part.textContent.match(NUMBERED)?.[1] ?? number;
    else if (/^Answer/.test(part.querySelector('summary').textContent.trim())) {
      const answer = document.createElement('div');
      answer.className = 'answer';
      answer.innerHTML = `<p><strong>${number}</strong></p>`;
      part.querySelector('summary').remove();
      answer.append(...part.childNodes);
      part.remove();
      section.append(answer);
    }
  }
  if (section.children.length > 1) lesson.append(section);
}

/* On paper nobody has answered, and nobody's progress is counted. */
function unanswered(lesson) {
  for (const cell of lesson.querySelectorAll('.cell')) {
    if (/^progress\(\)$/.test(cell.querySelector('.cell_input')?.textContent.trim() ?? '')) cell.remove();
    for (const output of cell.querySelectorAll('.cell_output pre')) {
      const lines = output.textContent.trim().split(/(?<=[.:])\s+/);
      if (lines.every(line => /^(No (answer|prediction) yet|Put |Run the cell)/.test(line))) output.remove();
    }
  }
}

/* On paper no slider moves. */
function still(lesson) {
  for (const {lastChild: words} of lesson.querySelectorAll('.cell_output em')) {
    if (words?.data) words.data = words.data.replace(/ ?Run this cell and move .*/s, '');
  }
}

/* Code that is folded, and figures in words, which paper leaves out. */
const LEFT_OUT = 'details.hide, details:has(> summary > small)';
document.querySelectorAll(LEFT_OUT).forEach(part => part.remove());
for (const lesson of document.querySelectorAll('.lesson')) { unanswered(lesson); answersLast(lesson); still(lesson); }
document.querySelectorAll('details').forEach(part => { part.open = true; });
document.querySelectorAll('img').forEach(image => { image.loading = 'eager'; });
while (!window.MathJax?.startup?.promise) await new Promise(done => setTimeout(done, 30));
await Promise.all([MathJax.startup.promise, prepare()]);
for (const link of document.querySelectorAll('.equation')) link.dataset.latex = link.dataset.latex?.replace(/href\{[^}]*#eq-/g, 'href{#eq-');
await MathJax.typesetPromise();
await fitAll();
await Promise.all([...document.images].map(image => image.decode().catch(() => {})));
document.documentElement.dataset.typeset = 'done';
