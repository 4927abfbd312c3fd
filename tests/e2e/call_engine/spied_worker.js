/** The product's worker with somebody who counts its nonces. Modules run in the order in which they are imported. */
import "./nonce_spy.js";
import "/js/workers/frame_worker.js";
