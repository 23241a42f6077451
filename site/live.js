/* For a screen reader, in JupyterLite: names of sliders and editors, and words for pictures. JupyterLab itself passes none on. */
(() => {
  const name = slider => {
    const label = slider.querySelector('.widget-label')?.textContent.trim();
    for (const part of label ? slider.querySelectorAll('.noUi-handle, .widget-readout') : []) {
      if (part.classList.contains('widget-readout')) part.setAttribute('role', 'textbox');
      part.setAttribute('aria-label', label);
    }
  };
  const describe = picture => {  // helpers.figures.show puts the words below, folded
    const output = picture.closest('.jp-OutputArea-child');
    const words = output?.nextElementSibling?.querySelector('details p')?.textContent;
    if (words) picture.alt = words;
  };
  const look = () => {
    document.querySelectorAll('.widget-slider:not(:has(.noUi-handle[aria-label]))').forEach(name);
    document.querySelectorAll('.jp-RenderedImage img:not([alt])').forEach(describe);
    document.querySelectorAll('.jp-CodeCell .cm-content:not([aria-label])').forEach(editor => editor.setAttribute('aria-label', 'code'));
  };
  let waiting;
  new MutationObserver(() => { waiting ??= setTimeout(() => { waiting = undefined; look(); }, 200); })
    .observe(document, {childList: true, subtree: true});
})();
