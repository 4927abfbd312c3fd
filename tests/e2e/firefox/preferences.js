/**
 * A Firefox with made-up camera and microphone that contacts nobody. Puppeteer's own profile switches off telemetry,
 * updates and safe browsing; the dead proxy makes sure of the rest: everything but localhost ends there. Whether sound
 * may start is left to Firefox's own rule.
 *
 * @type {Record<string, boolean|number|string>}
 */
export const PREFERENCES = {
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  // A machine without a sound card: an AudioContext would wait for one for ever.
  "media.cubeb.force_mock_context": true,
  "media.gmp-manager.updateEnabled": false,
  "media.gmp-gmpopenh264.enabled": false,
  "network.proxy.type": 1,
  "network.proxy.http": "127.0.0.1",
  "network.proxy.http_port": 9,
  "network.proxy.ssl": "127.0.0.1",
  "network.proxy.ssl_port": 9,
  "network.proxy.failover_direct": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "network.trr.mode": 5,
  "dom.push.connection.enabled": false,
  "extensions.getAddons.cache.enabled": false,
  "intl.accept_languages": "en-GB, en",
};
