/* What this page has loaded is kept, so that it can be read again without a network; run.js adds Python. */
export async function keep(addresses) {
  if (!('serviceWorker' in navigator) || navigator.connection?.saveData) return;
  const {active} = await navigator.serviceWorker.ready;
  active?.postMessage({keep: addresses});
}

const begin = async () => {
  try { await navigator.serviceWorker?.register(new URL('../sw.js', import.meta.url)); } catch { return; }  // not allowed, or not by https
  navigator.serviceWorker.addEventListener('message', ({data}) => { document.documentElement.dataset[data] = 'yes'; });
  keep([location.href.split('#')[0], ...performance.getEntriesByType('resource').map(entry => entry.name)]);
};
if (document.readyState === 'complete') begin(); else addEventListener('load', begin);
