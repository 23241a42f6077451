/* Python for one reading page: Pyodide in a worker. It says what it is doing, counts what it loads, and runs one cell at a time. */
let python, kernel, current = null;
const began = performance.timeOrigin;
const say = message => postMessage(message);
const stage = name => say({kind: 'stage', name, at: Date.now() - began});

/* Every file that Python loads comes through here, and is counted as it comes. */
const plainFetch = self.fetch.bind(self);
self.fetch = async (...request) => {
  const response = await plainFetch(...request);
  if (!response.body || !response.ok) return response;
  const count = new TransformStream({transform(part, out) { say({kind: 'loaded', bytes: part.byteLength}); out.enqueue(part); }});
  return new Response(response.body.pipeThrough(count), {status: response.status, headers: response.headers});
};

async function start({pyodide, lock, kernelFiles, packages, imports}) {
  stage('load');
  const {loadPyodide} = await import(`${pyodide}pyodide.mjs`);
  const files = plainFetch(kernelFiles).then(answer => answer.arrayBuffer());
  const env = {HOME: '/home/pyodide', MPLBACKEND: 'agg', MPLCONFIGDIR: '/tmp'};
  python = await loadPyodide({indexURL: pyodide, lockFileURL: lock, packages, env});
  stage('install');
  python.unpackArchive(await files, 'zip', {extractDir: '/lib/kernel'});
  python.runPython('import sys; sys.path.insert(0, "/lib/kernel")');
  kernel = python.pyimport('page_kernel');
  kernel.start(message => say({...message.toJs({dict_converter: Object.fromEntries}), cell: current}));
  stage('import');
  kernel.import_early(python.toPy(imports));
  stage('ready');
  say({kind: 'ready'});
}

async function run({cell, source}) {
  current = cell;
  const ok = await kernel.kernel.run(source);
  say({kind: 'done', cell, ok});
  current = null;
}

function needed({request, sources, place, done}) {
  const places = kernel.needed(python.toPy(sources), place, python.toPy(done));
  say({kind: 'needed', request, places: places.toJs()});
  places.destroy();
}

function widget({id, value}) {
  const widgets = python.pyimport('ipywidgets');
  try { widgets.changed(id, value); } catch (error) { say({kind: 'widget-error', id, text: String(error.message || error)}); }
  say({kind: 'widget-done', id});
}

const answers = {start, run, needed, widget};
let last = Promise.resolve();
onmessage = ({data}) => {
  last = last.then(() => answers[data.kind](data)).catch(error => say({kind: 'failed', text: String(error.message || error.type || error)}));
};
