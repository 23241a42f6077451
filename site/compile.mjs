/* Compile Python archives with the very Pyodide that will run them: node compile.mjs PYODIDE_FOLDER JOBS.json
   A job is {from, to, keep_source}. Without its source a module is a .pyc in its place, and has no docstrings, which are half
   of what a visitor would load; with it, a .pyc in __pycache__. */
import {readFileSync} from 'node:fs';
import {pathToFileURL} from 'node:url';

const [folder, jobs] = process.argv.slice(2);
const {loadPyodide} = await import(pathToFileURL(`${folder}/pyodide.mjs`).href);
const env = {PYTHONNODEBUGRANGES: '1', PYTHONHASHSEED: '0', HOME: '/'};  // no columns: a fifth of the bytes
const python = await loadPyodide({indexURL: `${folder}/`, env});
python.FS.mkdirTree('/host');
python.FS.mount(python.FS.filesystems.NODEFS, {root: '/'}, '/host');
python.globals.set('jobs', readFileSync(jobs, 'utf-8'));
python.runPython(`
import ast
import importlib._bootstrap_external as bootstrap
import importlib.util
import json
import zipfile

STAMP = (1980, 1, 1, 0, 0, 0)
DOCUMENTED = "numpy/"  # numpy.ma asserts what the docstrings of NumPy say

def compiled(name, source, keep_source):
    """The bytecode of a module; its hash is never compared with a source, which may be left out."""
    tree = ast.parse(source)
    if not keep_source and not name.startswith(DOCUMENTED):
        leave_out_docstrings(tree)
    code = compile(tree, name, "exec", dont_inherit=True, optimize=0)
    return bootstrap._code_to_hash_pyc(code, importlib.util.source_hash(source), False)

def leave_out_docstrings(tree):
    """Without a trace where more follows: an import from __future__ must be the first statement."""
    documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node, False) is not None:
            line = node.body[0].lineno
            nothing = ast.Pass(lineno=line, col_offset=0, end_lineno=line, end_col_offset=0)
            node.body[:1] = [] if len(node.body) > 1 else [nothing]

def pyc_name(name, keep_source):
    return importlib.util.cache_from_source(name) if keep_source else name + "c"

def compile_archive(source, target, keep_source):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in sorted(old.namelist()):
            content = old.read(name)
            keep = keep_source or not name.endswith(".py")
            if keep:
                new.writestr(zipfile.ZipInfo(name, STAMP), content, zipfile.ZIP_DEFLATED, 9)
            if name.endswith(".py"):
                try:
                    content = compiled(name, content, keep_source)
                    name = pyc_name(name, keep_source)
                except SyntaxError:  # a template, or code for another Python
                    if keep:
                        continue
                new.writestr(zipfile.ZipInfo(name, STAMP), content, zipfile.ZIP_DEFLATED, 9)

for job in json.loads(jobs):
    compile_archive("/host" + job["from"], "/host" + job["to"], job["keep_source"])
`);
