/* Typeset first, then show; a slide that is a little higher or wider than the screen is drawn smaller. */
const SCREEN = {width: 1100, height: 700};

/* The room that a slide needs without being drawn smaller; MathJax gives a numbered equation its least width, any other its own. */
function needed(slide) {
  const wide = [...slide.querySelectorAll('mjx-container, mjx-container > svg, pre, table')].map(part => part.scrollWidth || part.clientWidth);
  return {width: Math.max(slide.scrollWidth, ...wide), height: slide.scrollHeight};
}

function fit(slide) {
  if (!slide) return;
  slide.style.zoom = '';
  const {width, height} = needed(slide);
  slide.style.zoom = Math.max(0.5, Math.min(1, SCREEN.height / height, SCREEN.width / width));
}

MathJax.startup.promise.then(() => MathJax.typesetPromise()).then(async () => {
  await Reveal.initialize({hash: true, navigationMode: 'linear', slideNumber: 'c/t', transition: 'none', width: SCREEN.width, height: SCREEN.height + 20,
    margin: 0.05, center: false});
  Reveal.on('slidechanged', event => fit(event.currentSlide));
  fit(Reveal.getCurrentSlide());
  document.documentElement.dataset.typeset = 'done';
});
