/* Python for one reading page: Pyodide in a worker. It says what it is doing, counts what it loads, and runs one cell at a time. */
let python, kernel, current = null, wanted = 0;
const began = performance.timeOrigin;
const say = message => postMessage(message);
const stage = name => say({kind: 'stage', name, at: Date.now() - began});

/* Every file that Python loads comes through here, and is counted as it comes. Its core comes packed: not every server packs. */
const plainFetch = self.fetch.bind(self);
self.fetch = async (address, ...options) => {
  const packed = /\.wasm$/.test(address);
  const response = await plainFetch(packed ? `${address}.pack` : address, ...options);
  if (!response.body || !response.ok) return response;
  const count = new TransformStream({transform(part, out) { say({kind: 'loaded', bytes: part.byteLength}); out.enqueue(part); }});
  const counted = response.body.pipeThrough(count);
  return packed ? new Response(counted.pipeThrough(new DecompressionStream('gzip')), {headers: {'Content-Type': 'application/wasm'}})
    : new Response(counted, {status: response.status, headers: response.headers});
};
const bytes = async address => new Uint8Array(await (await self.fetch(address)).arrayBuffer());

/* What draws comes after what proves: fetched meanwhile, or at once if a cell asks for it before. */
let drawing;
function drawingNow(address) {
  if (drawing) return drawing;
  const request = new XMLHttpRequest();
  request.open('GET', address, false);
  request.responseType = 'arraybuffer';
  request.send();
  return new Uint8Array(request.response);
}

async function start({pyodide, kernelFiles, first, figures, imports, lazy, early, narrow}) {
  stage('load');
  const files = bytes(kernelFiles), packages = bytes(pyodide + first.file);
  const {loadPyodide} = await import(`${pyodide}pyodide.mjs`);
  const env = {HOME: '/home/pyodide', MPLBACKEND: 'agg', MPLCONFIGDIR: '/tmp', ...(narrow && {NARROW_SCREEN: '1'})};
  python = await loadPyodide({indexURL: pyodide, lockFileURL: `${pyodide}page-lock.json`, env});
  python.unpackArchive(await files, 'zip', {extractDir: '/lib/kernel'});
  python.runPython('import sys; sys.path.insert(0, "/lib/kernel")');
  const {open_bundle: open, open_later: openLater} = python.pyimport('bundle');
  const opened = python.toPy(await packages);
  stage('install');
  open(opened);
  openLater(python.toPy(figures.tops), () => python.toPy(drawingNow(pyodide + figures.file)), python.toPy(lazy));
  kernel = python.pyimport('page_kernel');
  kernel.start(message => say({...message.toJs({dict_converter: Object.fromEntries}), cell: current}));
  stage('import');
  kernel.import_early(python.toPy(imports));
  stage('ready');
  say({kind: 'ready'});
  const drawn = early.length ? bytes(pyodide + figures.file) : Promise.resolve();
  drawn.catch(() => undefined).then(content => { drawing = content; importSoon([...early]); });
}

/* One module after the other, whenever the reader has wanted nothing for a moment. */
const REST = 400;  // milliseconds
function importSoon(names) {
  if (!names.length) return stage('whole');
  const atRest = () => performance.now() - wanted > REST;
  const next = () => {
    if (atRest()) kernel.import_early(python.toPy([names.shift()]));
    importSoon(names);
  };
  setTimeout(() => atRest() ? inTurn(next) : importSoon(names), REST);
}

async function run({cell, source}) {
  current = cell;
  const ok = await kernel.kernel.run(source);
  say({kind: 'done', cell, ok});
  current = null;
  wanted = performance.now();
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
const inTurn = act => { last = last.then(act).catch(error => say({kind: 'failed', text: String(error.message || error.type || error)})); };
onmessage = ({data}) => {
  wanted = performance.now();
  inTurn(() => answers[data.kind](data));
};
