/* A page once visited can be read and run without a network. The network comes first, except for files that are named by their content. */
const PAGES = 'pages-@EDITION@', PYTHON = 'python';
const NAMED_BY_CONTENT = /-0[0-9a-f]{12}(-[^/]*\.whl|\.pack)$|kernel-[0-9a-f]{12}\.zip$/;
const LITE = new URL('lite/', registration.scope).pathname, PYODIDE = new URL('lite/static/pyodide/', registration.scope).pathname;

addEventListener('install', () => skipWaiting());
addEventListener('activate', event => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith('pages-') && name !== PAGES) await caches.delete(name);
  await clients.claim();
})()));

const cacheOf = url => NAMED_BY_CONTENT.test(url.pathname) ? PYTHON : PAGES;
const isOurs = url => url.origin === location.origin && (!url.pathname.startsWith(LITE) || url.pathname.startsWith(PYODIDE));

async function kept(request, url) {
  const cache = await caches.open(cacheOf(url));
  return cache.match(request, {ignoreSearch: true, ignoreVary: true});
}

async function fetched(request, url) {
  const answer = await fetch(request);
  if (answer.ok && answer.status === 200) (await caches.open(cacheOf(url))).put(request, answer.clone()).catch(() => {});
  return answer;
}

addEventListener('fetch', event => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || !isOurs(url)) return;
  const first = NAMED_BY_CONTENT.test(url.pathname);
  event.respondWith((async () => {
    const old = first && await kept(event.request, url);
    if (old) return old;
    try { return await fetched(event.request, url); } catch (error) {
      const answer = await kept(event.request, url);
      if (answer) return answer;
      throw error;
    }
  })());
});

/* A page says what it has loaded before it was under control; most of it is in the browser's own cache still. */
addEventListener('message', event => event.waitUntil((async () => {
  for (const address of event.data.keep ?? []) {
    const url = new URL(address);
    if (isOurs(url) && !await kept(address, url)) await fetched(address, url).catch(() => {});
  }
  event.source?.postMessage('kept');
})()));
