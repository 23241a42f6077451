/* Typeset first, then show; a slide that is higher than the screen is drawn smaller. */
MathJax.startup.promise.then(() => MathJax.typesetPromise()).then(async () => {
  await Reveal.initialize({hash: true, slideNumber: 'c/t', transition: 'none', width: 1100, height: 720, margin: 0.05, center: false});
  const fit = slide => {
    if (!slide) return;
    slide.style.zoom = '';
    const high = slide.scrollHeight, wide = Math.max(slide.scrollWidth, ...[...slide.querySelectorAll('mjx-container')].map(m => m.scrollWidth));
    slide.style.zoom = Math.max(0.45, Math.min(1, 700 / high, 1100 / wide));
  };
  Reveal.on('slidechanged', event => fit(event.currentSlide));
  fit(Reveal.getCurrentSlide());
  document.documentElement.dataset.typeset = 'done';
});
