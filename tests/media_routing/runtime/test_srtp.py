"""SRTP in place: what a stock peer protects is read, what we protect a stock peer reads, and no nonce is used twice."""

import struct

import pytest
from pylibsrtp import Error, Policy, Session

from media_routing.runtime import srtp
from media_routing.runtime.arena import Arena


def packet(sequence, ssrc=7, payload=b"x" * 100):
    return struct.pack("!BBHII", 0x80, 96, sequence, 1000, ssrc) + payload


def keys(profile, server=True):
    material = bytes(range(2 * (profile.key_bytes + profile.salt_bytes)))
    return srtp.Keys.from_exporter(profile, material, server=server)


def run(function, session, data):
    """(status, the packet afterwards) of one of libsrtp's functions on a slot."""
    arena = Arena(1, 2048, 64)
    offset = arena.offsets[0]
    arena.view[offset : offset + len(data)] = data
    length = srtp.new_length()
    length[0] = len(data)
    status = function(session, arena.pointers[0], length)
    return status, bytes(arena.view[offset : offset + length[0]])


@pytest.mark.parametrize("profile", srtp.PROFILES, ids=lambda profile: profile.name.decode())
def test_two_sides_understand_each_other(profile):
    server, client = srtp.Sessions(keys(profile)), srtp.Sessions(keys(profile, server=False))
    for protect, unprotect, data in [
        (srtp.lib.srtp_protect, srtp.lib.srtp_unprotect, packet(1)),
        (srtp.lib.srtp_protect_rtcp, srtp.lib.srtp_unprotect_rtcp, struct.pack("!BBHI", 0x80, 201, 1, 7)),
    ]:
        rtcp = protect is srtp.lib.srtp_protect_rtcp
        for sender, receiver in [(server, client), (client, server)]:
            out = sender.protect_rtcp if rtcp else sender.protect_rtp
            into = receiver.unprotect_rtcp if rtcp else receiver.unprotect_rtp
            status, sealed = run(protect, out, data)
            assert status == srtp.OK and sealed != data
            assert run(unprotect, into, sealed) == (srtp.OK, data)


@pytest.mark.parametrize("profile", srtp.PROFILES, ids=lambda profile: profile.name.decode())
def test_a_changed_packet_of_the_same_number_is_not_sent(profile):
    """The trap: with allow_repeat_tx (the control) libsrtp seals both, under one nonce."""
    sessions = srtp.Sessions(keys(profile))
    assert run(srtp.lib.srtp_protect, sessions.protect_rtp, packet(5))[0] == srtp.OK
    assert run(srtp.lib.srtp_protect, sessions.protect_rtp, packet(5, payload=b"y" * 100))[0] != srtp.OK

    policy = Policy(key=keys(profile).send, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile.number)
    policy.allow_repeat_tx = True
    control = Session(policy)
    assert control.protect(packet(5)) != control.protect(packet(5, payload=b"y" * 100))


def test_a_replayed_or_changed_packet_is_refused():
    profile = srtp.PROFILES[0]
    server, client = srtp.Sessions(keys(profile)), srtp.Sessions(keys(profile, server=False))
    _, sealed = run(srtp.lib.srtp_protect, client.protect_rtp, packet(1))
    changed = sealed[:20] + bytes([sealed[20] ^ 1]) + sealed[21:]
    assert run(srtp.lib.srtp_unprotect, server.unprotect_rtp, changed)[0] != srtp.OK
    assert run(srtp.lib.srtp_unprotect, server.unprotect_rtp, sealed)[0] == srtp.OK
    assert run(srtp.lib.srtp_unprotect, server.unprotect_rtp, sealed)[0] != srtp.OK


def test_a_stock_session_reads_what_we_protect():
    profile = srtp.PROFILES[0]
    stock = Session(
        Policy(key=keys(profile).send, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile.number),
    )
    ours = srtp.Sessions(keys(profile))  # kept: its handles do not keep it
    _, sealed = run(srtp.lib.srtp_protect, ours.protect_rtp, packet(1))
    assert stock.unprotect(sealed) == packet(1)
    with pytest.raises(Error):
        stock.unprotect(sealed)


def test_keys_are_not_printed():
    assert "\\x" not in repr(keys(srtp.PROFILES[0])) and "receive" not in repr(keys(srtp.PROFILES[0]))


def test_the_cheapest_profile_comes_first():
    assert [profile.name for profile in srtp.PROFILES] == [b"SRTP_AEAD_AES_128_GCM", b"SRTP_AES128_CM_SHA1_80"]
