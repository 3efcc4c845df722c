// SPDX-License-Identifier: GPL-3.0-or-later
// What look.py asks of an open page. Each fault is a line of text.

const linesOf = (node, from, to) => {
  const range = document.createRange();
  range.setStart(node, from);
  range.setEnd(node, to);
  return [...range.getClientRects()].filter(box => box.width > 0);
};

const texts = root => {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) if (walker.currentNode.data.trim() && walker.currentNode.parentElement.checkVisibility()) found.push(walker.currentNode);
  return found;
};

// A letter that is cut by the lower edge is not seen.
window.firstScreen = () => texts(document.body).map(node =>
  [...node.data].filter((_letter, at) => linesOf(node, at, at + 1).every(box => box.bottom <= innerHeight)).join('')).join(' ');

window.unfold = () => document.querySelectorAll('details').forEach(one => { one.open = true; });

window.faultsOfScreen = () => [
  ...[...document.querySelectorAll('details[open] > summary')].map(one => `not folded: ${one.textContent}`),
  ...[...document.querySelectorAll('script, iframe, object, embed, link, img, form, [onload], [onerror]')].map(one => `loads or runs something: ${one.tagName}`),
];

window.faultsOfLayout = () => [...wide(), ...broken(), ...[...document.querySelectorAll('.chart')].flatMap(ofChart)];

const wide = () => [...document.querySelectorAll('*')]
  .filter(one => one.scrollWidth > one.clientWidth + 1 && (one === document.documentElement || getComputedStyle(one).overflowX !== 'visible'))
  .map(one => `scrolls sideways: ${one.tagName} ${one.className}`);

const TIME = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*/g;
const broken = () => texts(document.body).filter(node => !node.parentElement.closest('pre')).flatMap(node =>
  [...node.data.matchAll(TIME)].filter(hit => new Set(linesOf(node, hit.index, hit.index + hit[0].length).map(box => box.top)).size > 1)
    .map(hit => `broken: ${hit[0]}`));

const ofChart = chart => {
  const whole = chart.getBoundingClientRect();
  const words = texts(chart).map(node => ({ said: node.data.trim(), boxes: linesOf(node, 0, node.data.length) }));
  const outside = box => box.left < whole.left - 1 || box.right > whole.right + 1 || box.top < whole.top - 1 || box.bottom > whole.bottom + 1;
  // Letters reach a little less far than the box of their line.
  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
  const pairs = words.flatMap((one, at) => words.slice(at + 1).map(other => [one, other]));
  return [
    ...words.filter(one => one.boxes.some(outside)).map(one => `cut off: ${one.said}`),
    ...pairs.filter(([one, other]) => one.boxes.some(a => other.boxes.some(b => meet(a, b)))).map(([one, other]) => `overlap: ${one.said} and ${other.said}`),
  ];
};

window.foldedInPrint = () => [...document.querySelectorAll('details > :not(summary)')].filter(one => !one.checkVisibility()).map(one =>
  `folded in print: ${one.parentElement.querySelector('summary').textContent}`);
