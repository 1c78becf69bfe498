// The report page's behaviour: filter and sort the calls, show one, show a message beside it.
//
// Everything comes in data blocks, which cost nothing until they are asked for: finished markup, in which
// the program has escaped all that came from the wire, and JSON, whose strings become text nodes. No
// markup is ever put together here.
'use strict';
(() => {
  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const panel = byId('call'), drawer = byId('message'), list = byId('list');
  const rows = list ? all('tbody tr', list) : [];

  function element(tag, className, ...children) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...children);
    return made;
  }
  const blocks = new Map();
  function data(id) {
    if (!blocks.has(id)) {
      const block = byId(id);
      blocks.set(id, block ? JSON.parse(block.textContent) : null);
    }
    return blocks.get(id);
  }
  // The finished markup of a block, as nodes.
  function markup(id) {
    const block = byId(id), nodes = document.createDocumentFragment();
    if (block) nodes.append(...new DOMParser().parseFromString(block.textContent, 'text/html').body.childNodes);
    return nodes;
  }
  // An address within the page. Setting location.hash would take the focus away.
  function go(fragment) {
    if (location.hash !== fragment) history.pushState(null, '', fragment);
    follow();
  }

  // ---- theme
  const theme = byId('theme'), root = document.documentElement;
  const prefersDark = matchMedia('(prefers-color-scheme: dark)');
  function isDark() { return root.dataset.theme ? root.dataset.theme === 'dark' : prefersDark.matches; }
  function nameTheme() {
    theme.setAttribute('aria-pressed', String(isDark()));
    theme.textContent = isDark() ? 'Light' : 'Dark';
  }
  theme.addEventListener('click', () => { root.dataset.theme = isDark() ? 'light' : 'dark'; nameTheme(); });
  prefersDark.addEventListener('change', nameTheme);
  nameTheme();

  // ---- one call
  let current = '';
  function showCall(number) {
    if (current === number || !panel) return;
    if (!byId('panel-' + number)) return;
    current = number;
    panel.replaceChildren(markup('panel-' + number));
    prepareDrawing();
    for (const row of rows) {
      const chosen = row.dataset.call === number;
      row.setAttribute('aria-selected', String(chosen));
      row.tabIndex = chosen ? 0 : -1;
      if (chosen) row.scrollIntoView({block: 'nearest'});
    }
  }
  // What can be scrolled can be reached with the keyboard.
  function reachScrollers() {
    for (const box of all('.scroll, .drawing')) {
      if (box.scrollWidth > box.clientWidth && !box.querySelector('[tabindex="0"], a, button')) box.tabIndex = 0;
      else box.removeAttribute('tabindex');
    }
  }
  addEventListener('resize', reachScrollers);
  document.addEventListener('toggle', reachScrollers, true);
  function arrows() { return all('.drawing [role="button"]', panel); }
  function prepareDrawing() {
    for (const drawing of all('.drawing', panel)) {
      if (!drawing.childElementCount) drawing.append(markup('figure-' + drawing.dataset.figure));
    }
    const first = arrows()[0];
    if (first) first.setAttribute('tabindex', '0');
    reachScrollers();
  }
  function focusArrow(arrow) {
    for (const other of arrows()) other.setAttribute('tabindex', other === arrow ? '0' : '-1');
    arrow.focus({preventScroll: true});
    const box = arrow.closest('.drawing'), heads = box.querySelector('.heads').getBoundingClientRect();
    const at = arrow.getBoundingClientRect(), frame = box.getBoundingClientRect();
    if (at.top < heads.bottom) box.scrollTop -= heads.bottom - at.top;
    if (at.bottom > frame.bottom) box.scrollTop += at.bottom - frame.bottom;
  }
  function activate(arrow) {
    if (arrow.dataset.message) go('#message-' + arrow.dataset.message);
    else if (arrow.dataset.stream) go('#stream-' + arrow.dataset.stream);
  }

  // ---- one message
  let opener = null, plain = false, shownMessage = '';
  function lineOf(texts, glossary, code, raw, meaning) {
    const body = code <= -2, entry = glossary[body ? -(code + 2) - 1 : code];
    const text = texts[raw], line = element('div', text === '' ? 'line empty' : 'line');
    const left = element('div', 'raw'), colon = text.indexOf(':');
    if (!body && entry && colon > 0 && !text.startsWith('SIP/') && /^[^\s:]+\s*$/.test(text.slice(0, colon))) {
      left.append(element('b', '', text.slice(0, colon)), text.slice(colon));
    } else {
      left.append(text);
    }
    line.append(left);
    if (entry || meaning) {
      const words = element('div', 'words');
      if (meaning) words.append(element('p', 'meaning', texts[meaning]));
      if (entry) {
        const topic = element('p', 'topic', entry[1]);
        if (entry[2]) topic.append(' ', element('cite', '', entry[2]));
        words.append(topic);
      }
      line.append(words);
    }
    return line;
  }
  function button(label, description, action) {
    const made = element('button', '', label);
    made.type = 'button';
    made.setAttribute('aria-label', description);
    made.addEventListener('click', action);
    return made;
  }
  function neighbour(step) {
    const messages = arrows().filter((arrow) => arrow.dataset.message);
    const at = messages.findIndex((arrow) => arrow.dataset.message === shownMessage);
    const next = messages[at + step];
    if (next) { focusArrow(next); activate(next); }
  }
  // The page grows narrower or wider beside the drawer; what the reader looks at stays where it is.
  function keepInPlace(place, change) {
    const before = place ? place.getBoundingClientRect().top : 0;
    change();
    if (place) scrollBy({top: place.getBoundingClientRect().top - before, behavior: 'instant'});
  }
  function showMessage(call, index) {
    const block = data('messages-' + call);
    const message = block && block.messages[index];
    const header = element('header'), bar = element('div', 'bar'), buttons = element('div');
    shownMessage = call + '.' + index;
    const raw = button(plain ? 'Explained' : 'Raw', 'Switch between explained and raw text', () => {
      plain = !plain;
      raw.textContent = plain ? 'Explained' : 'Raw';
      drawer.classList.toggle('plain', plain);
    });
    buttons.append(button('↑', 'Message before', () => neighbour(-1)), button('↓', 'Message after', () => neighbour(1)),
      raw, button('Close', 'Close the message', closeMessage));
    const title = element('h2', message ? message[1] : '', message ? message[0] : 'This message is not kept in the report');
    title.tabIndex = -1;
    bar.append(title, buttons);
    header.append(bar);
    drawer.replaceChildren(header);
    drawer.classList.toggle('plain', plain);
    if (message) {
      header.append(element('p', 'where', message[2]));
      if (message[3]) header.append(element('p', 'about', message[3]));
      if (message[4].length) {
        const found = element('ul', 'findings');
        for (const [severity, text, clause] of message[4]) {
          found.append(element('li', '', element('span', 'badge ' + severity, severity),
            element('span', '', text + ' ', element('small', '', clause))));
        }
        drawer.append(found);
      }
      const lines = element('div', 'lines'), glossary = data('glossary'), parts = message[5];
      for (let i = 0; i < parts.length; i += 3)
        lines.append(lineOf(block.texts, glossary, parts[i], parts[i + 1], parts[i + 2]));
      drawer.append(lines);
    }
    const chosen = arrows().find((arrow) => arrow.dataset.message === shownMessage);
    for (const arrow of arrows()) arrow.classList.toggle('chosen', arrow === chosen);
    keepInPlace(chosen, () => {
      drawer.hidden = false;
      drawer.scrollTop = 0;
      document.body.classList.add('with-message');
      reachScrollers();
    });
    if (chosen && document.activeElement && document.activeElement.closest('.drawing')) focusArrow(chosen);
    if (innerWidth <= 900) title.focus();
  }
  function closeMessage() {
    if (drawer.hidden) return;
    const arrow = arrows().find((one) => one.dataset.message === shownMessage);
    for (const one of arrows()) one.classList.remove('chosen');
    keepInPlace(arrow, () => {
      drawer.hidden = true;
      document.body.classList.remove('with-message');
      reachScrollers();
    });
    shownMessage = '';
    if (current && location.hash.startsWith('#message-')) history.replaceState(null, '', '#call-' + current);
    if (opener && opener.isConnected && opener !== document.body) opener.focus();
    else if (arrow) focusArrow(arrow);
  }

  // ---- addresses
  function follow() {
    const match = /^#(call|message|stream)-(\d+)(?:\.(\d+))?$/.exec(location.hash);
    if (!match) return;
    const [, kind, call, index] = match;
    if (panel && panel.dataset.fixed) {
      const title = kind === 'call' && byId('call-title-' + call);
      if (title) { title.scrollIntoView({block: 'start'}); title.focus({preventScroll: true}); }
    } else if (call !== '0') {
      // A message of another leg stays beside the ladder that shows it.
      const here = kind === 'message' && panel && panel.querySelector(`[data-message="${call}.${index}"]`);
      if (!here) showCall(call);
    }
    if (kind === 'message') showMessage(call, Number(index));
    if (kind === 'stream') {
      const stream = byId(`stream-${call}.${index}`);
      if (stream) { stream.scrollIntoView({block: 'start'}); stream.focus({preventScroll: true}); }
    }
  }
  addEventListener('hashchange', follow);
  document.addEventListener('click', (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const link = target && target.closest('a[href^="#"]');
    const address = link ? link.getAttribute('href') : '';
    if (/^#(call|message|stream)-/.test(address)) {
      event.preventDefault();
      opener = link;
      go(address);
      if (address.startsWith('#call-') && panel && !panel.dataset.fixed) panel.scrollIntoView({block: 'start'});
    }
    const arrow = target && target.closest('.drawing [role="button"]');
    if (arrow) { opener = null; focusArrow(arrow); activate(arrow); }
    const times = target && target.closest('[data-times]');
    if (times) chooseTimes(times);
  });
  function chooseTimes(chosen) {
    for (const one of all('[data-times]', chosen.parentElement)) {
      one.setAttribute('aria-checked', String(one === chosen));
      one.tabIndex = one === chosen ? 0 : -1;
    }
    const drawing = chosen.closest('.ladder').querySelector('.drawing');
    drawing.classList.remove('since', 'delta', 'clock');
    drawing.classList.add(chosen.dataset.times);
  }

  // ---- the list
  const filter = byId('filter'), chips = all('.chips button'), shown = byId('shown');
  function visibleRows() { return rows.filter((row) => !row.hidden); }
  function applyFilter() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = {};
    for (const chip of chips) {
      if (chip.getAttribute('aria-pressed') === 'true') (wanted[chip.dataset.key] ||= []).push(chip.dataset.value);
    }
    let count = 0;
    for (const row of rows) {
      const text = row.dataset.text + ' ' + row.textContent.toLowerCase();
      row.hidden = !(words.every((word) => text.includes(word)) &&
        Object.keys(wanted).every((key) => wanted[key].includes(row.dataset[key])));
      if (!row.hidden) ++count;
    }
    shown.textContent = count === rows.length ? String(count) : `${count} of ${rows.length}`;
    const first = visibleRows()[0];
    if (first && !visibleRows().some((row) => row.tabIndex === 0)) first.tabIndex = 0;
  }
  function sortBy(header) {
    const down = header.getAttribute('aria-sort') === 'ascending', column = header.cellIndex;
    for (const other of all('th', list)) other.removeAttribute('aria-sort');
    header.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const numeric = header.classList.contains('n') || header.classList.contains('when') || header.classList.contains('media');
    const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const sorted = rows.map((row) => [numeric ? Number(key(row)) : key(row).toLowerCase(), row]);
    sorted.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0) * (down ? -1 : 1));
    rows.splice(0, rows.length, ...sorted.map((pair) => pair[1]));
    list.tBodies[0].append(...rows);
  }
  if (list) {
    filter.addEventListener('input', applyFilter);
    for (const chip of chips) {
      chip.addEventListener('click', () => {
        chip.setAttribute('aria-pressed', String(chip.getAttribute('aria-pressed') !== 'true'));
        applyFilter();
      });
    }
    for (const header of all('th', list)) header.firstElementChild.addEventListener('click', () => sortBy(header));
    list.tBodies[0].addEventListener('click', (event) => {
      const row = event.target.closest('tr');
      if (row) { row.focus(); go('#call-' + row.dataset.call); }
    });
    if (rows.length) rows[0].tabIndex = 0;
  }

  // ---- keys
  const steps = {ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity};
  function stepped(items, from, key) {
    if (!(key in steps) || !items.length) return null;
    return items[Math.max(0, Math.min(items.length - 1, items.indexOf(from) + steps[key]))];
  }
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    if (event.key === 'Escape') {
      if (target === filter && filter.value) { filter.value = ''; applyFilter(); }
      else closeMessage();
      return;
    }
    if (event.key === '/' && filter && target !== filter) {
      event.preventDefault();
      filter.focus();
      return;
    }
    const row = target.closest('#list tbody tr');
    const arrow = target.closest('.drawing [role="button"]');
    const times = target.closest('[data-times]');
    if (row) {
      const next = stepped(visibleRows(), row, event.key);
      if (next) { event.preventDefault(); next.focus(); closeMessage(); next.focus(); go('#call-' + next.dataset.call); }
      if (event.key === 'Enter') {
        event.preventDefault();
        go('#call-' + row.dataset.call);
        const title = panel.querySelector('h2');
        if (title) { title.focus({preventScroll: true}); panel.scrollIntoView({block: 'start'}); }
      }
    } else if (arrow) {
      const next = stepped(arrows(), arrow, event.key);
      if (next) {
        event.preventDefault();
        focusArrow(next);
        if (!drawer.hidden && next.dataset.message) activate(next);
      }
      if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); opener = null; activate(arrow); }
    } else if (times && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) {
      const choices = all('[data-times]', times.parentElement);
      const next = choices[(choices.indexOf(times) + (event.key === 'ArrowRight' ? 1 : choices.length - 1)) % choices.length];
      chooseTimes(next);
      next.focus();
    }
  });

  // ---- begin
  if (panel && panel.dataset.fixed) { current = panel.dataset.fixed; prepareDrawing(); }
  else if (rows.length && !/^#(call|message|stream)-[1-9]/.test(location.hash)) showCall((rows.find((row) => row.dataset.kind === 'invite') ?? rows[0]).dataset.call);
  follow();
})();
