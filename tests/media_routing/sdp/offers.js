/**
 * What a page does on an SFU leg, without the page: makes the offer, takes the answer. Evaluated in any document;
 * defines `globalThis.leg`.
 *
 * Lines, in this order: microphone, camera in three layers, screen without a track, then slots for the others.
 */
globalThis.leg = {
  connection: null,

  /**
   * @param {number} roomSize
   * @param {{filter?: boolean, data?: "" | "first" | "last"}} wishes filter: offer VP8 and Opus only
   */
  async offer(roomSize, { filter = false, data = "" } = {}) {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 1280, height: 720 } });
    const connection = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
    this.connection = connection;
    if (data === "first") connection.createDataChannel("a"), await connection.setLocalDescription();
    connection.addTransceiver(stream.getAudioTracks()[0], { direction: "sendonly", streams: [stream] });
    const sendEncodings = [
      { rid: "l", scaleResolutionDownBy: 4, maxBitrate: 150_000 },
      { rid: "m", scaleResolutionDownBy: 2, maxBitrate: 500_000 },
      { rid: "h", scaleResolutionDownBy: 1, maxBitrate: 1_700_000 },
    ];
    connection.addTransceiver(stream.getVideoTracks()[0], { direction: "sendonly", streams: [stream], sendEncodings });
    connection.addTransceiver("video", { direction: "sendonly" });
    for (let n = 1; n < roomSize; n += 1) connection.addTransceiver("audio", { direction: "recvonly" });
    for (let n = 0; n < roomSize; n += 1) connection.addTransceiver("video", { direction: "recvonly" });
    if (filter)
      for (const transceiver of connection.getTransceivers()) {
        const { codecs } = RTCRtpReceiver.getCapabilities(transceiver.receiver.track.kind);
        transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => /\/(opus|VP8|rtx)$/i.test(mimeType)));
      }
    if (data === "last") connection.createDataChannel("a");
    await connection.setLocalDescription();
    if (connection.iceGatheringState !== "complete")
      await new Promise((resolve) => {
        connection.onicegatheringstatechange = () => connection.iceGatheringState === "complete" && resolve(null);
      });
    return connection.localDescription.sdp;
  },

  /** Offers again with new credentials. */
  async restart() {
    await this.connection.setLocalDescription(await this.connection.createOffer({ iceRestart: true }));
    return this.connection.localDescription.sdp;
  },

  async accept(sdp) {
    await this.connection.setRemoteDescription({ type: "answer", sdp });
    const [camera] = this.connection.getTransceivers().filter(({ sender }) => sender.track?.kind === "video");
    return {
      state: this.connection.signalingState,
      directions: this.connection.getTransceivers().map(({ currentDirection }) => currentDirection),
      rids: camera.sender.getParameters().encodings.map(({ rid, active }) => `${rid}${active ? "" : " off"}`),
      codecs: camera.sender.getParameters().codecs.map(({ mimeType }) => mimeType),
      extensions: camera.sender.getParameters().headerExtensions.map(({ uri }) => uri),
    };
  },
};
