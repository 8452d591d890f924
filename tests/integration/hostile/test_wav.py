"""Whatever calls itself a WAV file is read or refused, alike by REST and by the engine."""

import base64
import json

import zmq
from hypothesis import given

from tests.integration.hostile.house import HAIL, House
from tests.integration.hostile.ledger import Ledger
from tests.integration.hostile.line import Answer, Line
from tests.integration.hostile.sound import EXTENSIBLE, FLOAT, GUID, PCM, Wav, wavs
from tests.integration.hostile.test_messages import ask, client, lives

UNAVAILABLE = (503, 40001)
"""With no model there, this is what good audio gets."""


def heard(house: House, line: Line, wav: bytes) -> Answer:
    """Send a WAV by REST."""
    body = {"audio_data": base64.b64encode(wav).decode(), "meeting_id": house.meeting}
    content = json.dumps(body | {"format": "wav"}).encode()
    head = (
        "POST /api/v1/ai/speech-recognition HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {house.token('alice')}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return line.ask(head.encode() + content)


def test_no_wav_is_more_than_the_clients_mistake(house: House, ledger: Ledger) -> None:
    """Two thousand spoiled files: 400 or, with no model there, 40001; the engine says the same."""
    header = {"v": 1, "task_id": "w", "task_type": "speech_recognition", "model_path": ""}
    asked = json.dumps(header | {"params": {"format": "wav"}}).encode()

    with Line(house.port("http")) as line, client(house.endpoint, zmq.DEALER) as dealer:

        @HAIL
        @given(wav=wavs())
        def hail(wav: bytes) -> None:
            answer = heard(house, line, wav)
            told = ask(dealer, [asked, wav])["error"]
            if answer.status == 400:
                assert told.startswith("invalid: "), (answer, told)
            else:
                assert (answer.status, answer.code) == UNAVAILABLE, answer
                assert told.startswith("unavailable: "), told
            assert ledger.changed() == {}

        hail()
    lives(house)
    ledger.close()


def test_good_files_of_all_kinds_come_through(house: House) -> None:
    """What the strategy starts from is right, so that it is the change which is refused."""
    kinds = (
        Wav(),
        Wav(bits=8),
        Wav(bits=24, data=bytes(300)),
        Wav(code=FLOAT, bits=32),
        Wav(channels=8, rate=192_000),
        Wav(code=EXTENSIBLE, extension=bytes.fromhex("1000 00000000 0100") + GUID),
        Wav(before=(b"LIST\x01\0\0\0x\0",), between=(b"fact\x04\0\0\0\0\0\0\0",)),
        Wav(data_size=0xFFFFFFFF, size=0xFFFFFFFF),
    )
    assert kinds[0].code == PCM
    with Line(house.port("ai")) as line:
        for kind in kinds:
            answer = heard(house, line, kind.written())
            assert (answer.status, answer.code) == UNAVAILABLE, (kind, answer)
