/**
 * Where the own picture sits: one of four corners, in logical directions so that it mirrors right-to-left.
 *
 * @typedef {"top-start"|"top-end"|"bottom-start"|"bottom-end"} Corner
 */

/**
 * The corner nearest to the middle of the dragged picture.
 *
 * @param {{x: number, y: number}} middle_px in the stage's own coordinates
 * @param {{width: number, height: number}} stage_px
 * @param {boolean} right_to_left
 * @returns {Corner}
 */
export function nearest_corner(middle_px, stage_px, right_to_left) {
  const block = middle_px.y < stage_px.height / 2 ? "top" : "bottom";
  const left = middle_px.x < stage_px.width / 2;
  return /** @type {Corner} */ (`${block}-${left === right_to_left ? "end" : "start"}`);
}

/**
 * The corner after an arrow key, or null when the key moves nothing.
 *
 * @param {Corner} corner
 * @param {string} key KeyboardEvent.key
 * @param {boolean} right_to_left
 * @returns {Corner|null}
 */
export function corner_after_key(corner, key, right_to_left) {
  const [block, inline] = corner.split("-");
  /** @type {Record<string, string>} */
  const targets = {
    ArrowUp: `top-${inline}`,
    ArrowDown: `bottom-${inline}`,
    ArrowLeft: `${block}-${right_to_left ? "end" : "start"}`,
    ArrowRight: `${block}-${right_to_left ? "start" : "end"}`,
  };
  const target = targets[key];
  return target === undefined || target === corner ? null : /** @type {Corner} */ (target);
}
