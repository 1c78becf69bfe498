
  // ---- live: the same page, fed while calls go on (live/web)
  //
  // The server sends states, not changes: rows as they are now. So whatever was missed is made good by the
  // next event. What is on the page is changed in place, so that what has the focus, is open, chosen or
  // scrolled stays so.
  const mostRows = 1000;
  const rowOf = new Map(rows.map((row) => [row.dataset.call, row]));
  const line = byId('line'), strip = byId('strip'), downloads = byId('downloads');
  let version = '';

  // The nodes of finished markup.
  function nodesOf(text) { return new DOMParser().parseFromString(text, 'text/html').body.childNodes; }
  // Makes `old` like `fresh` with as few changes as can be. What the reader has set is kept.
  const kept = new Set(['open', 'tabindex', 'aria-checked', 'aria-selected']);
  function become(old, fresh) {
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) { old.replaceWith(fresh); return; }
    if (old.nodeType !== Node.ELEMENT_NODE) { if (old.data !== fresh.data) old.data = fresh.data; return; }
    if (old.isEqualNode(fresh)) return;
    const chosen = old.classList.contains('chosen'), drawing = old.classList.contains('drawing');
    for (const {name, value} of [...fresh.attributes])
      if (!kept.has(name) && !(drawing && name === 'class') && old.getAttribute(name) !== value) old.setAttribute(name, value);
    for (const {name} of [...old.attributes])
      if (!kept.has(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
    if (chosen) old.classList.add('chosen');
    becomeChildren(old, [...fresh.childNodes]);
  }
  // What names an element among its siblings, where something does.
  function keyOf(node) {
    const data = node.dataset;
    return data && (data.message ?? data.stream ?? data.call ?? node.id) || '';
  }
  function becomeChildren(old, fresh) {
    const named = new Map(), others = [];
    for (const node of old.childNodes) {
      if (keyOf(node)) named.set(keyOf(node), node);
      else others.push(node);
    }
    let at = old.firstChild;
    for (const node of fresh) {
      const key = keyOf(node), same = key ? named.get(key) : others.shift();
      if (key) named.delete(key);
      if (!same) { old.insertBefore(node, at); continue; }
      if (same === at) at = at.nextSibling;
      else old.insertBefore(same, at);
      become(same, node);
    }
    for (const node of [...named.values(), ...others]) node.remove();
  }
  function count(box, number) { box.querySelector('.count').textContent = String(number); }

  // ---- live: one call
  let figureCalls = new Set(), drawingText = '', panelText = '', shownCall = '';
  let loading = false, again = false, timer = 0, rested = 0;
  const drawReport = prepareDrawing, showKept = showMessage;
  markup = (id) => {
    const nodes = document.createDocumentFragment();
    nodes.append(...nodesOf(id.startsWith('figure-') ? drawingText : panelText));
    return nodes;
  };
  // Only what is here can be shown; the rest is shown when it comes (follow).
  showMessage = (call, index) => { if (blocks.get('messages-' + call)) showKept(call, index); };
  showCall = (number) => {
    if (current === number) return;
    current = number;
    byId('hint').hidden = true;
    for (const row of rows) choose(row);
    const row = rowOf.get(number);
    if (row) row.scrollIntoView({block: 'nearest'});
    load();
  };
  function choose(row) {
    const chosen = row.dataset.call === current;
    row.setAttribute('aria-selected', String(chosen));
    if (chosen) for (const other of rows) other.tabIndex = other === row ? 0 : -1;
  }
  async function load() {
    if (!current) return;
    if (loading) { again = true; return; }
    clearTimeout(timer);
    timer = 0;
    loading = true;
    again = false;
    const number = current, began = performance.now();
    try {
      const answer = await fetch('/calls/' + number, {cache: 'no-store'});
      if (answer.ok) {
        const call = await answer.json();
        if (number === current) placeCall(number, call);
      } else if (number === current && answer.status === 404 && !rowOf.has(number)) {
        forgetCall(number);
      } else {
        again = true;
      }
    } catch { again = !source || source.readyState === EventSource.OPEN; }
    loading = false;
    rested = performance.now() + Math.max(250, 3 * (performance.now() - began));
    if (number !== current) load();
    else if (again) loadSoon();
  }
  // What a large call costs is asked for a quarter of the time at most.
  function loadSoon() { if (!timer) timer = setTimeout(load, Math.max(0, rested - performance.now())); }
  function forgetCall(number) {
    downloads.hidden = true;
    if (shownCall !== number) panel.replaceChildren(element('article', 'call gone', 'This call is no longer kept.'));
    shownCall = number;
  }
  function placeCall(number, call) {
    for (const id of [...blocks.keys()]) if (id.startsWith('messages-')) blocks.delete(id);
    for (const [of, messages] of Object.entries(call.messages)) blocks.set('messages-' + of, messages);
    blocks.set('glossary', call.glossary);
    figureCalls = new Set(call.calls.map(String));
    drawingText = call.drawing;
    panelText = call.panel;
    if (shownCall !== number || !panel.querySelector('.drawing svg')) {
      shownCall = number;
      panel.replaceChildren(markup('panel-' + number));
      drawReport();
      offerDownloads(number);
      follow();
    } else {
      refreshCall();
    }
  }
  function refreshCall() {
    const at = document.activeElement, arrow = at && at.closest && at.closest('.drawing [role="button"]');
    const focused = arrow && (arrow.dataset.message ? 'message' : 'stream'), which = arrow && arrow.dataset[focused];
    const box = panel.querySelector('.drawing');
    const atEnd = box.scrollHeight > box.clientHeight && box.scrollHeight - box.clientHeight - box.scrollTop < 12;
    const fresh = document.createDocumentFragment();
    fresh.append(...nodesOf(panelText));
    const drawing = fresh.querySelector('.drawing');
    if (drawing) drawing.append(...nodesOf(drawingText));
    const holder = element('div', '');
    holder.append(fresh);
    becomeChildren(panel, [...holder.childNodes]);
    if (atEnd) box.scrollTop = box.scrollHeight;
    // A row that came in between has moved the others on.
    const chosen = shownMessage && !drawer.hidden ? shownMessage : '';
    for (const one of arrows()) {
      one.classList.toggle('chosen', chosen !== '' && one.dataset.message === chosen);
      if (which && one.dataset[focused] === which && one !== document.activeElement) {
        for (const other of arrows()) other.setAttribute('tabindex', other === one ? '0' : '-1');
        one.focus({preventScroll: true});
      }
    }
    if (!arrows().some((one) => one.getAttribute('tabindex') === '0') && arrows()[0]) arrows()[0].setAttribute('tabindex', '0');
    reachScrollers();
  }
  function offerDownloads(number) {
    const offer = (kind, label) => {
      const link = element('a', '', label);
      link.href = `/calls/${number}.${kind}`;
      link.setAttribute('download', '');
      return link;
    };
    downloads.replaceChildren(element('span', '', `Call ${number}:`), offer('pcapng', 'Packets (pcapng)'),
      offer('html', 'Report (HTML)'), offer('json', 'JSON'));
    downloads.hidden = false;
  }

  // ---- live: the list
  function order() {
    const header = list.querySelector('th[aria-sort]'), column = header.cellIndex;
    const sign = header.getAttribute('aria-sort') === 'descending' ? -1 : 1;
    const numeric = header.classList.contains('n') || header.classList.contains('when') || header.classList.contains('media');
    const key = (row) => {
      const cell = row.cells[column], value = cell.dataset.value ?? cell.textContent;
      return numeric ? Number(value) : value.toLowerCase();
    };
    const sorted = rows.map((row) => [key(row), Number(row.dataset.call), row]);
    sorted.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] - b[1]) * sign);
    rows.splice(0, rows.length, ...sorted.map((one) => one[2]));
    // Only rows that stand elsewhere are moved.
    const body = list.tBodies[0];
    let at = body.firstElementChild;
    for (const row of rows) {
      if (row === at) at = at.nextElementSibling;
      else body.insertBefore(row, at);
    }
  }
  function takeRow(fresh) {
    const number = fresh.dataset.call, row = rowOf.get(number);
    if (!row) {
      rows.push(fresh);
      rowOf.set(number, fresh);
      choose(fresh);
    } else {
      become(row, fresh);
    }
    if (figureCalls.has(number) || number === current) loadSoon();
  }
  function dropRow(row) {
    rowOf.delete(row.dataset.call);
    row.remove();
  }
  // Room for the newest: calls that are over go first, then the oldest; never the open one.
  function makeRoom() {
    const surplus = rows.length - mostRows;
    if (surplus <= 0) return;
    const goes = (row) => row.dataset.kind === 'invite' && /^(trying|ringing|answered)$/.test(row.dataset.state);
    const first = rows.filter((row) => row.dataset.call !== current);
    first.sort((a, b) => goes(a) - goes(b) || a.dataset.call - b.dataset.call);
    for (const row of first.slice(0, surplus)) dropRow(row);
    keepRows();
  }
  function keepRows() { rows.splice(0, rows.length, ...rows.filter((row) => rowOf.get(row.dataset.call) === row)); }
  // A table of a thousand rows takes its time to be laid out: what comes meanwhile is put in together.
  let waiting = [], takeTimer = 0, freeAt = 0;
  function takeSoon(state) {
    waiting.push(state);
    if (!takeTimer) takeTimer = setTimeout(takeWaiting, Math.max(0, freeAt - performance.now()));
  }
  function takeWaiting() {
    const began = performance.now(), states = waiting;
    waiting = [];
    takeTimer = 0;
    takeRows(states);
    list.getBoundingClientRect();  // laid out now, so that it is part of the time taken
    freeAt = performance.now() + 3 * (performance.now() - began);
    if (states.some((state) => state.all) && !current) follow();
  }
  function takeRows(states) {
    const body = list.tBodies[0], box = list.parentElement, focused = document.activeElement;
    // What is looked at stays where it is, unless it is the list's beginning.
    const top = box.scrollTop > 4 ? box.getBoundingClientRect().top + list.tHead.offsetHeight : 0;
    const anchor = box.scrollTop > 4 ? rows.find((row) => row.getBoundingClientRect().bottom > top) : null;
    const before = anchor ? anchor.getBoundingClientRect().top : 0;
    for (const state of states) {
      const fresh = state.rows ? [...nodesOf(state.rows)].flatMap((table) => [...table.querySelectorAll('tr')]) : [];
      if (state.all) {
        const told = new Set(fresh.map((row) => row.dataset.call));
        for (const row of [...rows]) if (!told.has(row.dataset.call)) dropRow(row);
        keepRows();
      }
      for (const row of fresh) takeRow(row);
      for (const number of state.forgotten) if (rowOf.has(String(number))) dropRow(rowOf.get(String(number)));
    }
    keepRows();
    makeRoom();
    order();
    countChips();
    applyFilter();
    if (focused && focused !== document.activeElement && body.contains(focused)) focused.focus({preventScroll: true});
    if (anchor && anchor.isConnected) box.scrollTop += anchor.getBoundingClientRect().top - before;
    byId('empty').hidden = rows.length > 0;
    byId('hint').hidden = rows.length === 0 || current !== '';
  }
  function sayOmitted(kept) {
    const omitted = rows.length < mostRows ? 0 : Math.max(0, kept - rows.length);
    byId('omitted').hidden = omitted === 0;
    byId('omitted').textContent = `${omitted} older ${omitted === 1 ? 'call is' : 'calls are'} not listed here.`;
  }
  function countChips() {
    for (const group of all('.chips[data-group]')) {
      const key = group.dataset.group, counts = new Map();
      for (const row of rows) counts.set(row.dataset[key], (counts.get(row.dataset[key]) ?? 0) + 1);
      for (const chip of all('button', group)) {
        const number = counts.get(chip.dataset.value) ?? 0;
        chip.lastElementChild.textContent = String(number);
        chip.hidden = number === 0 && chip.getAttribute('aria-pressed') !== 'true';
        counts.delete(chip.dataset.value);
      }
      for (const [value, number] of counts) group.append(makeChip(key, value, number));
      group.hidden = all('button', group).filter((chip) => !chip.hidden).length < 2 &&
        !group.querySelector('[aria-pressed="true"]');
    }
  }
  function makeChip(key, value, number) {
    const name = key !== 'findings' ? value : value === 'none' ? 'no findings' : value + 's';
    const chip = element('button', '', name + ' ', element('span', '', String(number)));
    chip.type = 'button';
    chip.setAttribute('aria-pressed', 'false');
    chip.dataset.key = key;
    chip.dataset.value = value;
    chip.addEventListener('click', () => {
      chip.setAttribute('aria-pressed', String(chip.getAttribute('aria-pressed') !== 'true'));
      applyFilter();
    });
    chips.push(chip);
    return chip;
  }

  // ---- live: totals, findings, streams without a call
  function takeTotals(totals) {
    const fresh = element('dl', '');
    for (const [name, value, tone] of totals.figures) {
      const entry = element('div', tone, element('dt', '', name), element('dd', '', value));
      fresh.append(entry);
    }
    becomeChildren(strip, [...fresh.childNodes]);
    becomeChildren(byId('alarms'), totals.alarms.map((text) => element('p', 'alarm', text)));
    byId('since').textContent = totals.since;
    const strays = byId('strays');
    strays.hidden = totals.streams === 0;
    if (strays.querySelector('.count').textContent !== String(totals.streams)) {
      count(strays, totals.streams);
      if (strays.open) loadStrays();
    }
  }
  function takeFindings(findings) {
    const section = byId('findings');
    section.hidden = findings.count === 0;
    count(section, findings.count);
    becomeChildren(section.lastElementChild, [...nodesOf(findings.markup)]);
  }
  let straysAt = 0;
  async function loadStrays() {
    if (performance.now() - straysAt < 2000) return;
    straysAt = performance.now();
    try {
      const answer = await fetch('/streams', {cache: 'no-store'});
      if (answer.ok) becomeChildren(byId('strays').lastElementChild, [...nodesOf((await answer.json()).markup)]);
    } catch { /* the next change asks again */ }
  }
  byId('strays').addEventListener('toggle', () => { if (byId('strays').open) loadStrays(); });

  // ---- live: the line
  let source = null;
  function say(words, tone) {
    if (line.textContent !== words) line.textContent = words;
    line.className = 'badge ' + tone;
    document.body.classList.toggle('lost', tone === 'bad');
  }
  function connect() {
    source = new EventSource(version ? '/events?since=' + encodeURIComponent(version) : '/events');
    source.addEventListener('open', () => say('live', 'good'));
    source.addEventListener('state', (event) => {
      say('live', 'good');
      version = event.lastEventId;
      const state = JSON.parse(event.data);
      if (state.rows || state.all || state.forgotten.length) takeSoon(state);
      if (state.totals) { takeTotals(state.totals); sayOmitted(state.kept); }
      if (state.findings) takeFindings(state.findings);
      if (state.all && current) loadSoon();
    });
    source.addEventListener('end', () => {
      source.close();
      say('ended', 'open');
      loadSoon();
    });
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) {
        say('not connected', 'bad');
        setTimeout(connect, 3000);
      } else {
        say('connection lost', 'bad');
      }
    });
  }
  byId('shown').removeAttribute('aria-live');  // it changes all the time
  list.querySelector('th[aria-sort]').setAttribute('aria-sort', 'descending');  // the newest first
  addEventListener('pagehide', () => { if (source) source.close(); });
  addEventListener('pageshow', (event) => { if (event.persisted) connect(); });
  connect();
