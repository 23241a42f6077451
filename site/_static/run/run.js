/* The page runs: ▶ on each cell, sliders that move, exercises that answer, in place. */
import {root} from '../equations.js';
import {keep} from '../offline.js';
import {Editor} from './editor.js';
import {Python} from './python.js';
import {finish, outputElement} from './render.js';
import {Widgets, forget} from './widgets.js';

const page = DOCUMENTATION_OPTIONS.pagename;
const isNotebook = document.querySelector('meta[name="notebook"]') !== null;
const stored = {
  get: name => { try { return JSON.parse(localStorage.getItem(`${page}/${name}`)); } catch { return null; } },
  set: (name, value) => { try { localStorage.setItem(`${page}/${name}`, JSON.stringify(value)); } catch { /* no room, or not allowed */ } },
  remove: name => { try { localStorage.removeItem(`${page}/${name}`); } catch { /* not allowed */ } },
};
const button = (text, label, act) => {
  const made = Object.assign(document.createElement('button'), {type: 'button', textContent: text, title: label});
  made.setAttribute('aria-label', label);
  made.addEventListener('click', act);
  return made;
};

/* ---------------------------------------------------------------- one cell */

class Cell {
  constructor(element, place, notebook) {
    Object.assign(this, {element, place, notebook, name: element.id.slice('cell-'.length), outputs: [], state: 'new'});
    this.editor = new Editor(element.querySelector('.cell_input pre'), `Code of cell ${place + 1}`);
    const kept = stored.get(this.name);
    if (kept && kept.of === this.editor.original) this.editor.source = kept.source;
    this.tools = document.createElement('div');
    this.tools.className = 'cell-tools';
    this.runButton = button('▶', 'Run this cell, and before it what it needs', () => notebook.runCell(this));
    this.said = document.createElement('span');
    this.said.className = 'cell-said';
    this.said.setAttribute('role', 'status');
    this.resetButton = button('↺', 'Undo what I have typed here', () => { this.editor.source = this.editor.original; });
    this.aboveButton = button('⤒', 'Run all cells above', () => notebook.runAbove(this));
    this.tools.append(this.said, this.resetButton, this.aboveButton, this.runButton);
    element.prepend(this.tools);
    this.editor.addEventListener('typed', () => this.typed());
    this.editor.addEventListener('run', ({detail}) => notebook.runCell(this).then(() => detail.next && notebook.cells[place + 1]?.focus()));
    this.typed();
    if (/\bexplore\(/.test(this.source)) this.inviteToMove();
  }

  get source() { return this.editor.source; }

  typed() {
    this.resetButton.hidden = !this.editor.changed;
    if (this.editor.changed) stored.set(this.name, {of: this.editor.original, source: this.source});
    else stored.remove(this.name);
    if (this.state === 'done' && this.source !== this.ran) this.show('new', 'changed');
  }

  focus() { this.element.querySelector('details.hide')?.setAttribute('open', ''); this.editor.field.focus(); }

  show(state, words = '') {
    this.state = state;
    this.element.dataset.state = state;
    this.said.textContent = words;
  }

  /* The stored picture of a figure with sliders carries a button that brings the sliders. */
  inviteToMove() {
    const image = this.element.querySelector('.cell_output img');
    if (!image) return;
    const frame = document.createElement('div');
    frame.className = 'movable';
    (image.closest('a, picture') ?? image).replaceWith(frame);
    frame.append(image.closest('picture') ?? image, button('Move it', 'Move it: run this cell, and the figure gets its sliders', () => this.notebook.runCell(this)));
  }

  begin() {
    this.ran = this.source;
    this.outputs = [];
    this.fresh = undefined;
    this.show('running', 'running');
    this.began = performance.now();
  }

  /* The first output takes the place of the stored ones. */
  place_for_outputs() {
    if (this.fresh) return this.fresh;
    this.fresh = document.createElement('div');
    this.fresh.className = 'cell_output live';
    const old = this.element.querySelector('.cell_output');
    if (old) old.replaceWith(this.fresh); else this.element.append(this.fresh);
    this.drawing = Promise.resolve();
    return this.fresh;
  }

  hear(message) {
    const {kind, data, metadata, name, text} = message, last = this.outputs.at(-1);
    if (kind === 'stream' && last?.output_type === 'stream' && last.name === name) {
      last.text += text;
      this.draw(last);
    } else if (kind === 'stream') this.add({output_type: 'stream', name, text});
    else if (kind === 'display') this.add({output_type: 'display_data', data, metadata});
    else if (kind === 'result') this.add({output_type: 'execute_result', data, metadata});
    else if (kind === 'error') this.add({output_type: 'error', ename: message.ename, evalue: message.evalue, traceback: message.traceback});
    else if (kind === 'clear') { this.outputs = []; this.place_for_outputs().replaceChildren(); }
  }

  add(output) {
    this.outputs.push(output);
    this.draw(output);
  }

  draw(output) {
    const room = this.place_for_outputs();
    this.drawing = this.drawing.then(async () => {
      const element = await outputElement(output, this.notebook.widgets.element), before = output.element;
      Object.defineProperty(output, 'element', {value: element, configurable: true, enumerable: false});
      if (before) before.replaceWith(element); else room.append(element);
      await finish(element);
    });
  }

  async end(ok) {
    if (!this.fresh) this.place_for_outputs();  // a cell may show nothing
    await this.drawing;
    const seconds = (performance.now() - this.began) / 1000;
    this.show(ok ? 'done' : 'raised', seconds >= 0.95 ? `${seconds.toFixed(0)} s` : '');
    this.element.dispatchEvent(new CustomEvent('ran', {bubbles: true}));
  }
}

/* ---------------------------------------------------------------- all of them */

class Notebook {
  constructor(python, elements) {
    this.python = python;
    this.widgets = new Widgets(python);
    this.cells = elements.map((element, place) => new Cell(element, place, this));
    this.queue = Promise.resolve();
    python.addEventListener('message', ({detail}) => this.cells[detail.cell]?.hear(detail));
    addEventListener('beforeunload', () => python.worker?.terminate());
  }

  get done() { return this.cells.filter(cell => cell.state === 'done' && cell.ran === cell.source).map(cell => cell.place); }

  inTurn(work) {
    this.queue = this.queue.then(work).catch(() => {});
    return this.queue;
  }

  async run(cell) {
    cell.begin();
    let ok = false;
    try { ok = await this.python.run(cell.place, cell.source); } catch { cell.show('new', ''); return false; }
    await cell.end(ok);
    return ok;
  }

  async runSeveral(cells) {
    for (const cell of cells) cell.show('waiting', 'waiting');
    for (const [number, cell] of cells.entries()) {
      if (!await this.run(cell)) {
        cells.slice(number + 1).forEach(rest => rest.show('new'));
        return false;
      }
    }
    return true;
  }

  /* Run a cell, and before it those above that it needs; if a name is missing all the same, all of those above. */
  runCell(cell) {
    cell.show('waiting', this.python.state === 'ready' ? 'waiting' : 'waiting for Python');
    return this.inTurn(async () => {
      let above;
      try {
        above = await this.python.needed(this.cells.map(each => each.source), cell.place, this.done);
      } catch {
        cell.show('new', this.python.state === 'failed' ? 'Python did not start' : '');
        return;
      }
      const needed = above.map(place => this.cells[place]);
      if (needed.length && !await this.runSeveral(needed)) {
        cell.show('new', 'a cell above raised an error');
        return;
      }
      if (!await this.run(cell) && cell.outputs.at(-1)?.ename === 'NameError') {
        const rest = this.cells.slice(0, cell.place).filter(each => !this.done.includes(each.place));
        if (rest.length && await this.runSeveral(rest)) await this.run(cell);
      }
      if (needed.length) cell.said.textContent = `after ${needed.length} above ${cell.said.textContent}`;
    });
  }

  runAbove(cell) { return this.inTurn(() => this.runSeveral(this.cells.slice(0, cell.place))); }

  runAll() { return this.inTurn(() => this.runSeveral(this.cells)); }

  restart() {
    this.python.stop();
    forget();
    this.cells.forEach(cell => cell.show('new'));
    this.python.start();
  }

  /* The notebook with what was typed and shown here. */
  async download() {
    const content = await (await fetch(`${root}_sources/${page}.ipynb`)).json();
    for (const cell of this.cells) {
      const saved = content.cells.find(each => each.id === cell.name);
      if (!saved) continue;
      saved.source = cell.source;
      if (cell.ran === undefined) continue;
      saved.outputs = cell.outputs.map(output => output.output_type === 'error' ? {...output, traceback: output.traceback.split('\n')}
        : output.output_type === 'execute_result' ? {...output, execution_count: null} : output);
      saved.execution_count = null;
    }
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 1)], {type: 'application/x-ipynb+json'}));
    link.download = `${page}.ipynb`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
}

/* ---------------------------------------------------------------- what Python is doing, and what can be done with all cells */

const DOING = {load: 'Python is loading', install: 'Python is unpacking', import: 'Python is importing SymPy and the rest', ready: 'Python is ready'};

function dock(notebook, python) {
  const made = document.createElement('aside');
  made.className = 'dock';
  made.setAttribute('aria-label', 'Python in this page');
  made.innerHTML = '<details><summary><span class="light"></span> <span class="doing" role="status"></span></summary><div class="acts"></div></details>';
  const acts = [['Run all cells', () => notebook.runAll()], ['Restart Python', () => notebook.restart()]];
  if (isNotebook) {
    acts.push(['Download as a notebook, with what I did', () => notebook.download()]);
    acts.push(['Open in JupyterLab', () => open(`${root}lite/notebooks/index.html?path=${page}.ipynb`)]);
  }
  made.querySelector('.acts').append(...acts.map(([words, act]) => button(words, words, act)));
  document.body.append(made);
  const show = () => {
    made.dataset.state = python.state;
    const percent = python.settings.bytes ? Math.min(100, Math.round(100 * python.loaded / python.settings.bytes)) : 0;
    const words = {
      off: 'Python starts when you press ▶', ready: 'Python is ready', failed: `Python did not start: ${python.error}`,
      starting: (DOING[python.stage] ?? 'Python is starting') + (python.stage === 'load' && percent < 100 ? `, ${percent} %` : ''),
    }[python.state];
    const place = made.querySelector('.doing');
    if (place.textContent !== words) place.textContent = words;
  };
  python.addEventListener('state', show);
  show();
}

/* Once Python has started, its files are kept for a visit without a network. */
function keepPython(place, {kernel, first, figures}) {
  const core = ['pyodide.mjs', 'pyodide.asm.mjs', 'pyodide.asm.wasm.pack', 'python_stdlib.zip', 'page-lock.json', first.file, figures.file];
  const own = ['run.js', 'python.js', 'worker.mjs', 'widgets.js', 'render.js', 'editor.js', 'settings.json', 'markdown-it.js', kernel];
  keep([...core.map(name => place + name), ...own.map(name => new URL(`${root}_static/run/${name}`, location.href).href)]);
}

const elements = [...document.querySelectorAll('.cell[id^="cell-"]')].filter(element => element.querySelector('.cell_input pre'));
if (elements.length) {
  const settings = await (await fetch(`${root}_static/run/settings.json`)).json();
  const place = new URL(`${root}${settings.pyodide}`, location.href).href;
  const python = new Python({...settings, early: isNotebook ? settings.early : [], pyodide: place, narrow: matchMedia('(max-width: 600px)').matches,
    kernelFiles: new URL(`${root}_static/run/${settings.kernel}`, location.href).href});
  const notebook = new Notebook(python, elements);
  dock(notebook, python);
  if (!navigator.connection?.saveData) python.start();  // while the reader reads, unless data are dear
  python.addEventListener('whole', () => keepPython(place, settings), {once: true});
  window.pageNotebook = notebook;
  document.documentElement.dataset.runs = 'yes';
}
