/* What every page does: equations in the form that fits, links with previews, and search for an equation's number. */
import './offline.js';
import {equations, fitAll, linkHtml, linkNumbers, prepare, previewNumbers, typeset} from './equations.js';

/* A label that differs from the words on a button hides them from speech control. */
function nameByContent() {
  for (const button of document.querySelectorAll('details.hide > summary, .search-button-field')) button.removeAttribute('aria-label');
}

/* A search for "4.6" or "(4.6)" finds that equation first. */
async function findNumber() {
  const asked = new URLSearchParams(location.search).get('q')?.match(/^\s*\(?(\d+\.\d+)\)?\s*$/);
  const about = asked && (await equations())[asked[1]];
  if (!about) return;
  const found = document.createElement('div');
  found.className = 'found-equation';
  found.innerHTML = `<p>Equation ${linkHtml(asked[1], about)} of <em></em></p><div class="equation"><div class="math"></div></div>`;
  found.querySelector('em').textContent = about.title;
  found.querySelector('.math').textContent = `\\[${about.latex}\\]`;
  const others = document.querySelector('#search-results');
  others.before(found);
  others.hidden = true;  // a search by words knows no numbers
  await typeset(found);
}

/* "Report an error" says where the reader is. */
function reportPlace() {
  const link = document.querySelector('a.report');
  link?.addEventListener('click', () => {
    const heads = [...document.querySelectorAll('article :is(h1, h2, h3), article .equation[id]')];
    const near = heads.filter(head => head.getBoundingClientRect().top < innerHeight / 2).pop();
    const address = new URL(link.href);
    const words = near?.id.startsWith('eq-') ? `equation (${near.id.slice(3)})` : near?.textContent.replace('#', '').trim() ?? '';
    address.searchParams.set('title', `${document.title.split(' — ')[0]}: `);
    address.searchParams.set('body', `Where: ${words}, ${location.origin}${location.pathname}${near?.id ? `#${near.id}` : ''}\n\nWhat is wrong: `);
    link.href = address;
  });
}

async function start() {
  nameByContent();
  addEventListener('load', nameByContent);
  reportPlace();
  previewNumbers();
  while (!window.MathJax?.startup?.promise) await new Promise(done => setTimeout(done, 30));
  await Promise.all([MathJax.startup.promise, prepare()]);
  await MathJax.typesetPromise();
  await fitAll();
  const article = document.querySelector('article');
  if (article) await linkNumbers(article);
  if (document.querySelector('#search-results')) await findNumber();
  document.documentElement.dataset.typeset = 'done';
  let waiting;
  const later = () => { clearTimeout(waiting); waiting = setTimeout(fitAll, 100); };
  addEventListener('resize', later);
  document.addEventListener('toggle', later, true);
  if (location.hash.startsWith('#eq-')) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

start();
