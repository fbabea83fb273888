// The page: one WebSocket, one state, and panels that draw it.

import { Board } from './board.js';
import { drawGraph } from './graph.js';
import { Tree } from './tree.js';
import { drawVariations } from './variations.js';
import { download, takeFiles } from './files.js';
import { count, direction, find, html, percent, scale } from './dom.js';

const RECONNECT_MS = [500, 2000, 5000];
const KEPT = 'tesuji game';

let socket = null;
let state = null;
let analysing = false;
let restored = false;
let retries = 0;
let reviewed = null; // how far a review has come

takeFiles({ open: (text) => send({ type: 'open', text }), fail: (text) => toast(text) });

const board = new Board(find('#board'), {
  play: playOne,
  refused: (row, column, origin) => send({ type: 'click', row, column, origin }),
  swipe: playDirection,
});
const tree = new Tree(find('#tree'), {
  ask: (path) => send({ type: 'explore', position: state.current, path }),
  show: showLine,
  play: (action) => send({ type: 'play', action }),
});

// Talking to the server.

function connect() {
  socket = new WebSocket(`ws://${location.host}/play`);
  socket.addEventListener('message', (event) => receive(JSON.parse(event.data)));
  socket.addEventListener('open', () => {
    find('#offline').hidden = true;
    restored = false;
  });
  socket.addEventListener('close', (event) => {
    if (event.code !== 4001 && event.code !== 1013 && retries < RECONNECT_MS.length) {
      setTimeout(connect, RECONNECT_MS[retries]);
      retries += 1;
    }
    setThinking(false);
    find('#offline-text').textContent = event.reason
      ? `Disconnected: ${event.reason}.` : 'The server does not answer.';
    find('#offline').hidden = false;
  });
}

function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

const receivers = {
  board: (message) => board.mount(message.svg),
  state: showState,
  thinking: () => setThinking(true),
  analysis: showAnalysis,
  tree: (message) => {
    if (message.position === state.current) tree.update(message.path, message.moves);
  },
  hint: showHint,
  file: download,
  reviewed: (message) => { reviewed = message; },
  error: (message) => {
    setThinking(false);
    toast(message.error);
  },
};

function receive(message) {
  receivers[message.type]?.(message);
}

// A game outlives a reload and a lost connection: the page keeps it and hands it back.

function keep() {
  const { game, seed, position, current, person, level } = state;
  const moves = state.positions.slice(1).map(({ parent, name }) => [parent, name]);
  const saved = { format: 'tesuji game 1', game, seed, moves, current };
  if (position !== null) saved.position = position;
  sessionStorage.setItem(KEPT, JSON.stringify({ game: saved, person, level }));
}

function restore() {
  restored = true;
  retries = 0;
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? 'null');
  if (kept === null || kept.game.game !== state.game || !kept.game.moves.length) return false;
  send({ type: 'load', ...kept });
  if (analysing) send({ type: 'analyse', on: true });
  return true;
}

// Showing.

function showState(next) {
  const moved = state === null || state.current !== next.current || state.game !== next.game
    || state.seed !== next.seed;
  state = next;
  scale.range = state.players === 1 ? state.range : null;
  if (!restored && restore()) return;
  keep();
  setThinking(false);
  document.body.dataset.style = state.board?.style ?? 'text';
  if (moved) {
    tree.clear();
    showLine([]);
    board.line([], 'hint');
    clearAnalysis();
  }
  board.update(state, myTurn());
  showMoves();
  showSeats();
  showControls();
  drawGraph(find('#graph'), state, goto);
  drawVariations(find('#variations'), state, goto);
  const title = state.game.replaceAll('_', ' ').replace(/\b\w/g, (letter) => letter.toUpperCase());
  find('#title').textContent = title;
  document.title = `${title} · tesuji`;
  if (moved) say(describe());
}

const myTurn = () => !state.ended && !state.auto && (state.person === null || state.toPlay === state.person);

function describe() {
  const here = state.positions[state.current];
  const last = here.name === null ? '' : `${state.sides[here.side]} played ${here.name}. `;
  if (state.ended) return `${last}${sentence(state.outcome)}.`;
  if (state.players === 1) return here.name === null ? 'Your move.' : `Played ${here.name}.`;
  if (state.person === null) return `${last}${state.sides[state.toPlay]} to move.`;
  return `${last}${myTurn() ? 'Your move.' : 'The engine’s move.'}`;
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function say(text) {
  find('#status').textContent = text;
}

function setThinking(on) {
  if (on === document.body.classList.contains('thinking')) return;
  document.body.classList.toggle('thinking', on);
  clearTimeout(setThinking.timer);
  if (on) {
    say('Thinking …');
    setThinking.timer = setTimeout(() => {
      say('Thinking … After an installation the first search compiles, for a minute or so.');
    }, 4000);
  } else if (state && find('#status').textContent.startsWith('Thinking …')) {
    say(describe());
  }
}

function toast(text) {
  const box = find('#toast');
  box.textContent = text;
  box.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { box.hidden = true; }, 6000);
}

function showSeats() {
  const chance = state.positions[state.current].chance;
  for (const side of [0, 1]) {
    const seat = find(side === 0 ? '.seat.first' : '.seat.second');
    find('b', seat).textContent = state.sides[side];
    find('small', seat).textContent = state.person === null ? ''
      : side === state.person ? 'you' : `engine, level ${state.level}`;
    seat.classList.toggle('turn', !state.ended && state.toPlay === side);
  }
  const balance = find('#balance');
  balance.classList.toggle('unknown', chance === null);
  find('i', balance).style.width = percent(chance ?? 0.5);
  const whose = state.players === 1 ? 'expected' : state.sides[0];
  find('#chance').textContent = chance === null ? '' : `${whose} ${scale.show(chance)}`;
  balance.setAttribute('aria-label', chance === null ? 'chances not judged yet'
    : `${state.sides[0]} has ${percent(chance)} of the chances`);
}

// Moves without a place on the board: a pass, or all of them where there is no board.
function showMoves() {
  const note = [state.board?.note, state.players === 1 ? `score ${Number(state.score.toPrecision(3))}` : ''];
  find('#note').textContent = note.filter(Boolean).join(' · ');
  const placeless = state.moves.filter((move) => state.board === null || !move.cells.length
    || direction(state, move));
  find('#moves').replaceChildren(...placeless.map((move) => {
    const name = sentence(direction(state, move) ?? move.name);
    const button = html('button', { class: 'primary' }, name);
    button.disabled = !myTurn();
    button.addEventListener('click', () => send({ type: 'play', action: move.action }));
    return button;
  }));
  document.body.classList.toggle('crowded', Boolean(find('#note').textContent || placeless.length));
}

function showControls() {
  const here = state.positions[state.current];
  find('#undo').disabled = here.parent === null;
  find('#redo').disabled = state.line.at(-1) === state.current;
  for (const id of ['#hint', '#go', '#auto']) find(id).disabled = state.ended;
  find('#auto').setAttribute('aria-pressed', String(state.auto));
  const review = find('#review');
  review.setAttribute('aria-pressed', String(state.reviewing));
  review.disabled = state.positions.length === 1;
  find('#progress').textContent = state.reviewing && reviewed
    ? `${reviewed.done} of ${reviewed.total}` : '';
  if (!state.reviewing) reviewed = null;
  find('#flip').hidden = state.board?.style !== 'pieces';
  find('#worth').textContent = state.players === 1 ? 'value' : 'wins';
  document.body.classList.toggle('single', state.players === 1);
  find('#seats').hidden = state.players === 1;
  find('#level').value = state.level;
  find('#level-text').textContent = state.level;
  const { simulations, temperature } = state.levels[state.level - 1];
  find('#strength').title = `${simulations} simulations a move, ${temperature ? `temperature ${temperature}` : 'always its best move'}`;
  const seats = [[0, state.sides[0]], [1, state.sides[1]], [null, 'Both']];
  const fieldset = find('#person');
  fieldset.hidden = state.players === 1;
  if (fieldset.dataset.sides !== state.sides.join()) {
    fieldset.dataset.sides = state.sides.join();
    fieldset.replaceChildren(find('legend', fieldset), ...seats.map(([person, name]) => {
      const input = html('input', { type: 'radio', name: 'person', value: String(person) });
      input.addEventListener('change', () => send({ type: 'seat', person }));
      return html('label', {}, input, html('span', {}, name));
    }));
  }
  find(`[value="${state.person}"]`, fieldset).checked = true;
}

// Analysis.

function clearAnalysis() {
  board.showMarks(null);
  find('#depth').textContent = analysing && !state.ended ? 'searching …' : '';
  find('#verdict').hidden = true;
  find('#line').hidden = true;
  find('#no-analysis').hidden = analysing && !state.ended;
  find('#tree-head').hidden = !analysing || state.ended;
}

function showAnalysis(message) {
  if (message.position !== state.current || !analysing) return;
  find('#no-analysis').hidden = true;
  find('#tree-head').hidden = false;
  const visits = message.moves.reduce((sum, move) => sum + move.visits, 0);
  board.showMarks(message.marks);
  find('#depth').textContent = `${count(visits)} visits, `
    + (message.done ? message.status : `${count(message.rate)} a second`);
  tree.update([], message.moves);
  const now = performance.now();
  if (message.done || now - (showAnalysis.asked ?? 0) > 700) {
    showAnalysis.asked = now;
    tree.refresh();
  }
  state.positions[state.current].chance = message.chance;
  showSeats();
  const verdict = find('#verdict');
  verdict.hidden = !message.proven;
  if (message.proven) {
    const side = message.chance === 1 ? 0 : 1;
    const result = message.chance === 0.5 ? 'Proven draw' : `Proven win for ${state.sides[side]}`;
    const line = message.line.map((step) => step.name).join(' ');
    verdict.replaceChildren(html('b', {}, result), ` ${line}`);
  }
}

function showLine(steps) {
  board.line(steps);
  const text = find('#line');
  text.hidden = !steps.length;
  text.textContent = `Line: ${steps.map((step) => step.name).join(' ')}`;
}

function showHint(message) {
  setThinking(false);
  board.line([message.step], 'hint');
  const share = message.step.side === 0 ? message.chance : 1 - message.chance;
  const proof = message.proven ? `, ${message.status}` : '';
  const line = message.line.map((step) => step.name).join(' ');
  say(`Hint: ${message.step.name} (${scale.show(share)}${proof}). Expected: ${line}`);
}

// Acting.

const play = (move) => send({ type: 'play', action: move.action });

// Make one of the moves that a place stands for; where there are several, as when a pawn becomes
// another piece, the person chooses.
function playOne(moves) {
  if (moves.length === 1) {
    play(moves[0]);
    return;
  }
  choose('Which move?', moves.map((move) => [move.name, () => play(move)]));
}

// Ask which of some things to do, each with its name.
function choose(question, choices) {
  const dialog = find('#choice');
  find('#choice-title').textContent = question;
  find('#choices').replaceChildren(...choices.map(([name, act]) => {
    const button = html('button', {}, name);
    button.addEventListener('click', () => {
      dialog.close();
      act();
    });
    return button;
  }));
  dialog.showModal();
}

function save() {
  const write = (format) => send({ type: 'save', format });
  if (state.formats.length === 1) write(state.formats[0]);
  else choose('Save as', state.formats.map((format) => [format.toUpperCase(), () => write(format)]));
}

// Make the move in a direction; say whether there is one.
function playDirection(wanted) {
  const move = state.moves.find((one) => direction(state, one) === wanted);
  if (move && myTurn()) play(move);
  return move !== undefined;
}

function goto(position) {
  if (position !== undefined && position !== state.current) send({ type: 'goto', position });
}

function browse(step) {
  goto(state.line[state.line.indexOf(state.current) + step]);
}

function toggleAnalysis() {
  analysing = !analysing;
  find('#analyse').setAttribute('aria-pressed', String(analysing));
  if (!analysing) tree.clear();
  clearAnalysis();
  send({ type: 'analyse', on: analysing });
}

function setLevel(level) {
  if (level >= 1 && level <= 10) send({ type: 'level', level });
}

const actions = {
  undo: () => send({ type: 'undo' }),
  redo: () => send({ type: 'redo' }),
  hint: () => send({ type: 'hint' }),
  go: () => send({ type: 'go' }),
  new: () => send({ type: 'new', person: state.person, level: state.level }),
  analyse: toggleAnalysis,
  auto: () => send({ type: 'auto', on: !state.auto }),
  flip: () => send({ type: 'flip' }),
  review: () => send({ type: 'review', on: !state.reviewing }),
  save,
};

const shortcuts = {
  u: actions.undo,
  r: actions.redo,
  h: actions.hint,
  g: actions.go,
  n: actions.new,
  a: actions.analyse,
  p: actions.auto,
  f: actions.flip,
  v: actions.review,
  o: () => find('#file').click(),
  w: actions.save,
  b: () => board.focus(),
  s: () => state.person !== null && send({ type: 'seat', person: 1 - state.person }),
  '[': () => browse(-1),
  ']': () => browse(1),
  '-': () => setLevel(state.level - 1),
  '+': () => setLevel(state.level + 1),
  '=': () => setLevel(state.level + 1),
  '?': () => find('#help').showModal(),
};

for (const [id, action] of Object.entries(actions)) find(`#${id}`).addEventListener('click', action);
find('#help-open').addEventListener('click', () => find('#help').showModal());
find('#level').addEventListener('input', (event) => setLevel(Number(event.target.value)));
find('#reconnect').addEventListener('click', connect);

document.addEventListener('keydown', (event) => {
  if (state === null || event.ctrlKey || event.metaKey || event.altKey || find('dialog[open]')) return;
  if (event.key.length === 1
      && state.moves.some((move) => move.name === event.key && !direction(state, move))) {
    send({ type: 'play', action: state.moves.find((move) => move.name === event.key).action });
  } else if (event.key.startsWith('Arrow') && playDirection(event.key.slice(5).toLowerCase())) {
    // Games of pushing go by arrow keys.
  } else if (event.key in shortcuts) {
    shortcuts[event.key]();
  } else {
    return;
  }
  event.preventDefault();
});

connect();
