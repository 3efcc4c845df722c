// SPDX-License-Identifier: GPL-3.0-or-later
// On the search page: finds sentences as they are pasted, also where names and numbers in them differ from those in the documentation.
(() => {
  "use strict";
  const SHOWN = 10, LONGEST = 320;
  // The least part of the query's pairs of words that a sentence must have, weighted by how rare a pair is.
  const ENOUGH = 0.4;

  // A number stands for any other, and for N or M, by which the documentation means a number.
  const plain = word => /^(\d+|[nm])$/i.test(word) ? "#" : word.toLowerCase();
  const wordsOf = text => (text.match(/[\p{L}\p{N}_]+/gu) || []).map(plain);
  // Each word with the next one; of one word alone, the word.
  const pairsOf = words => words.length < 2 ? words : words.slice(1).map((word, index) => `${words[index]} ${word}`);

  const rarity = (sentences, pairs) => {
    const weight = pair => {
      const count = sentences.filter(one => one.pairs.has(pair)).length;
      return count ? Math.log(1 + sentences.length / count) : 0;
    };
    return new Map(pairs.map(pair => [pair, weight(pair)]));
  };

  const read = ([address, page, anchor, section, texts], single) => texts.map(text => {
    const words = wordsOf(text);
    return {address, page, anchor, section, text, joined: ` ${words.join(" ")} `, pairs: new Set(single ? words : pairsOf(words)), heading: text === section};
  });

  const found = query => {
    const words = wordsOf(query);
    if (!words.length) return [];
    const sentences = SENTENCES.flatMap(one => read(one, words.length === 1));
    const weights = rarity(sentences, [...new Set(pairsOf(words))]);
    const whole = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
    const score = one => {
      const matched = [...weights].reduce((sum, [pair, weight]) => sum + (one.pairs.has(pair) ? weight : 0), 0) / (whole || 1);
      const exact = one.joined.includes(` ${words.join(" ")} `);
      // Among those that match alike, a heading comes first, then what says little else.
      return matched < ENOUGH && !exact ? 0 : matched + (exact ? 1 : 0) + (one.heading ? 0.2 : 0) + 0.2 / (1 + one.pairs.size / 20);
    };
    return sentences.map(one => ({...one, score: score(one)})).filter(one => one.score > 0).sort((a, b) => b.score - a.score).slice(0, SHOWN);
  };

  const element = (name, children, settings = {}) => {
    const made = Object.assign(document.createElement(name), settings);
    made.append(...children);
    return made;
  };

  const marked = (text, words) => {
    const known = new Set(words);
    const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
    return cut.split(/([\p{L}\p{N}_]+)/u).map(part => known.has(plain(part)) ? element("mark", [part]) : part);
  };

  const item = (one, words) => {
    const place = one.section && one.section !== one.page ? `${one.page} › ${one.section}` : one.page;
    const link = element("a", [place], {href: one.address + (one.anchor ? `#${one.anchor}` : "")});
    return element("li", [link, element("p", one.heading ? [] : marked(one.text, words))]);
  };

  const show = query => {
    const hits = found(query);
    if (!hits.length) return;
    const list = element("ul", hits.map(one => item(one, wordsOf(query))));
    document.getElementById("search-results").before(element("section", [element("h2", ["Sentences"]), list], {id: "sentences"}));
  };

  show(new URLSearchParams(location.search).get("q") || "");
})();
