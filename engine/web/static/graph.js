// The first side's chances over the game; a click goes to the position.

import { svg, percent } from './dom.js';

const [WIDTH, HEIGHT, LEFT, TOP] = [300, 130, 36, 8];
const SPAN = HEIGHT - 2 * TOP;

export function drawGraph(host, state, goto) {
  const line = state.line.map((index) => ({ index, ...state.positions[index] }));
  const step = (WIDTH - LEFT - 10) / Math.max(line.length - 1, 10);
  const x = (ply) => LEFT + ply * step;
  const y = (chance) => TOP + (1 - chance) * SPAN;
  const points = line.flatMap((position, ply) =>
    (position.chance === null ? [] : [{ ply, ...position }]));
  const root = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'graph', role: 'img' });
  for (const [chance, text] of [[1, '100%'], [0.5, '50%'], [0, '0%']]) {
    root.append(svg('line', { class: chance === 0.5 ? 'middle' : 'edge', x1: LEFT, x2: WIDTH - 4, y1: y(chance), y2: y(chance) }));
    root.append(svg('text', { x: LEFT - 6, y: y(chance) + 3.5 }, text));
  }
  if (points.length > 1) {
    const path = points.map((point) => `${x(point.ply).toFixed(1)} ${y(point.chance).toFixed(1)}`).join('L');
    const area = `M${x(points[0].ply)} ${y(0.5)}L${path}L${x(points.at(-1).ply)} ${y(0.5)}z`;
    for (const [side, top] of [[0, TOP], [1, y(0.5)]]) {
      const id = `half-${side}`;
      root.append(svg('clipPath', { id }, svg('rect', { x: 0, y: top, width: WIDTH, height: SPAN / 2 })));
      root.append(svg('path', { class: `area side-${side}`, d: area, 'clip-path': `url(#${id})` }));
    }
    root.append(svg('path', { class: 'curve', d: `M${path}` }));
  }
  const here = line.findIndex((position) => position.index === state.current);
  root.append(svg('line', { class: 'here', x1: x(here), x2: x(here), y1: TOP, y2: HEIGHT - TOP }));
  for (const point of points) {
    const classes = `point${point.proven ? ' proven' : ''}${point.ply === here ? ' now' : ''} ${point.grade}`;
    const radius = point.ply === here ? 4.5 : point.grade ? 3.6 : Math.min(3, step / 2.4);
    root.append(svg('circle', { class: classes.trim(), cx: x(point.ply), cy: y(point.chance), r: radius }));
  }
  line.forEach((position, ply) => {
    const band = svg('rect', { class: 'band', x: x(ply) - step / 2, y: 0, width: step, height: HEIGHT });
    const chance = position.chance === null ? 'not judged' : `${state.sides[0]} ${percent(position.chance)}`;
    const grade = position.grade ? `, ${position.grade}; better: ${position.best}` : '';
    band.append(svg('title', {}, `${ply ? `${ply}. ${position.name}` : 'start'}: ${chance}${grade}`));
    band.addEventListener('click', () => goto(position.index));
    root.append(band);
  });
  const now = state.positions[state.current].chance;
  const judged = now === null ? 'not judged yet' : percent(now);
  root.setAttribute('aria-label', `Chances of ${state.sides[0]} over the game; now ${judged}`);
  host.replaceChildren(root);
}
