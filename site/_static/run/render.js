/* What a cell shows, as HTML that looks like the page's own. */
import {equationHtml, root, typeset} from '../equations.js';

const escaped = text => String(text).replace(/[&<>"]/g, mark => `&#${mark.charCodeAt(0)};`);
const joined = text => Array.isArray(text) ? text.join('') : text;
const MATH = /(`+)[\s\S]*?\1|\$\$([\s\S]+?)\$\$|\$((?:\\.|[^$\\])+?)\$/g;

let reader;
function markdownReader() {
  return reader ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = `${root}_static/run/markdown-it.js`;
    script.onload = () => resolve(window.markdownit({html: true}));
    script.onerror = reject;
    document.head.append(script);
  });
}

/* Markdown with LaTeX: a formula is taken out, so that no mark in it is read as Markdown, and put back. */
export async function markdownHtml(text) {
  const kept = [];
  const keep = html => `\uE000${kept.push(html) - 1}\uE001`;
  const marked = text.replace(MATH, (whole, code, display, inline) =>
    code ? whole : display ? `\n\n${keep(equationHtml(display.trim()))}\n\n` : keep(`<span class="math">\\(${escaped(inline)}\\)</span>`));
  const html = (await markdownReader()).render(marked);
  return html.replace(/<p>\uE000(\d+)\uE001<\/p>|\uE000(\d+)\uE001/g, (_, alone, inside) => kept[alone ?? inside]);
}

function pictureHtml(png, about = {}) {
  const size = about.width ? ` width="${about.width}" height="${about.height}"` : '';
  const image = `<img src="data:image/png;base64,${joined(png).trim()}" alt="${escaped(about.alt ?? '')}"${size}>`;
  const small = about.narrow;
  return small ? `<picture><source media="(max-width: 600px)" srcset="data:image/png;base64,${small['image/png'].trim()}"
    width="${small.width}" height="${small.height}">${image}</picture>` : image;
}

const pre = (text, kind) => `<pre class="${kind}">${escaped(text)}</pre>`;

async function dataHtml(data, metadata) {
  if (data['application/x-page-widget']) return '';  // the widgets are elements, made by widgets.js
  if (data['image/png']) return pictureHtml(data['image/png'], metadata['image/png']);
  if (data['text/html']) return joined(data['text/html']);
  if (data['text/markdown']) return markdownHtml(joined(data['text/markdown']));
  if (data['image/svg+xml']) return joined(data['image/svg+xml']);
  if (data['text/latex']) return markdownHtml(joined(data['text/latex']));
  return pre(joined(data['text/plain'] ?? ''), 'plain');
}

/* One output, in Jupyter's form, as an element. */
export async function outputElement(output, widgetElement) {
  const element = document.createElement('div');
  element.className = 'output live';
  if (output.output_type === 'stream') element.innerHTML = pre(output.text, output.name);
  else if (output.output_type === 'error') {
    element.classList.add('raised');
    element.innerHTML = `<p><strong>${escaped(output.ename)}</strong></p>${pre(output.evalue, 'evalue')}`
      + `<details><summary>Where it was raised</summary>${pre(output.traceback, 'traceback')}</details>`;
  } else {
    const described = output.data['application/x-page-widget'];
    if (described) element.append(widgetElement(described));
    else element.innerHTML = await dataHtml(output.data, output.metadata ?? {});
    if (/\\\(|\\\[/.test(element.innerHTML)) element.dataset.math = '';
  }
  return element;
}

export const finish = element => 'math' in element.dataset ? typeset(element) : undefined;
