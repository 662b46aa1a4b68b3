//! The first frames.

use synced_protocol::{
    control::{self, First},
    error::DecodeError,
    id::{ClientSeq, LogIndex, PlayerId, ServerId, Term},
    message::{
        ClientMessage, Game, Hello, JoinKey, Leader, Refusal, Resume, ResumeToken, ServerEntry,
        ServerMessage, Welcome,
    },
    time::Micros,
};

use crate::golden::{assert_frame, assert_no_tag, dump, hex};

const PREFACE: &str = "53 59 4e 44  01 00 # SYND, version 1\n";
const HELLO: &str = "
    00              # Hello
    03 637570       # game name
    03 312e30       # game version
    03 416e6e       # player name
    4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b  # key
    00              # resume: none
";

fn game(version: &str) -> Game {
    Game {
        name: "cup".to_owned(),
        version: version.to_owned(),
    }
}

fn hello(resume: Option<Resume>) -> ClientMessage {
    ClientMessage::Hello(Hello {
        game: game("1.0"),
        player_name: "Ann".to_owned(),
        key: JoinKey([0x4b; 16]),
        resume,
    })
}

#[test]
fn the_first_frame_is_a_preface_and_a_message() {
    let frame = hex(&[PREFACE, HELLO].concat());
    assert_eq!(
        dump(&control::encode_first(&hello(None)).unwrap()),
        dump(&frame)
    );
    assert_eq!(
        control::decode_first(&frame),
        Ok(First::SameVersion(hello(None)))
    );
}

#[test]
fn of_another_version_only_the_preface_is_read() {
    let frame = hex("53 59 4e 44  02 01  ff ff ff ff ff");
    let other = Ok(First::<ClientMessage>::OtherVersion(0x0102));
    assert_eq!(control::decode_first(&frame), other);
    assert_eq!(control::decode_first(&frame[..6]), other);
}

#[test]
fn what_does_not_begin_with_the_preface_is_refused() {
    let first = |frame: &[u8]| control::decode_first::<ClientMessage>(frame);
    assert_eq!(
        first(&hex("53 59 4e 45  01 00  02")),
        Err(DecodeError::BadMessage)
    );
    assert_eq!(first(&hex("53 59 4e 44  01")), Err(DecodeError::Truncated));
}

#[test]
fn a_hello_without_and_with_a_session_to_resume() {
    assert_frame(&hello(None), HELLO);
    let resume = Resume {
        token: ResumeToken(*b"0123456789abcdef"),
        cursor: LogIndex(300),
    };
    assert_frame(
        &hello(Some(resume)),
        "00 03 637570 03 312e30 03 416e6e
         4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b        # key
         01                                      # resume: some
         30313233343536373839616263646566        # token
         fb 2c01                                 # cursor",
    );
}

#[test]
fn a_welcome() {
    let welcome = Welcome {
        player: PlayerId(7),
        token: ResumeToken(*b"0123456789abcdef"),
        session_time: Micros(0x0006_0a24_181e_4000),
        log_index: LogIndex(251),
        resumed: true,
        last_seq: ClientSeq(65_536),
        last_spawn_counter: 250,
        global_data_update_interval: Micros::from_secs(1),
        leader: Leader::alone(),
    };
    assert_frame(
        &ServerMessage::Welcome(welcome),
        "00                                      # Welcome
         07                                      # player
         30313233343536373839616263646566        # token
         fd 00401e18240a0600                     # session time
         fb fb00                                 # index
         01                                      # resumed
         fc 00000100                             # last seq
         fa                                      # last spawn counter
         fc 40420f00                             # global data update interval
         00 00  01 00  00                        # leader: alone",
    );
}

#[test]
fn who_leads_and_who_could() {
    let entry = |server, address: &str| ServerEntry {
        server: ServerId(server),
        address: address.to_owned(),
    };
    let leader = Leader {
        from: ServerId(2),
        term: Term(300),
        leader: Some(ServerId(3)),
        servers: vec![entry(1, "a:1"), entry(300, "b")],
    };
    assert_frame(
        &ServerMessage::Leader(leader.clone()),
        "05              # Leader
         02              # from
         fb 2c01         # term
         01 03           # leader: some
         02              # servers: server, address
         01      03 613a31
         fb 2c01 01 62",
    );
    let nobody = Leader {
        leader: None,
        servers: Vec::new(),
        ..leader
    };
    assert_frame(&ServerMessage::Leader(nobody), "05  02  fb 2c01  00  00");
}

#[test]
fn who_watches_may_say_so_first() {
    let frame = hex(&[PREFACE, "04 # Watch"].concat());
    let first = control::encode_first(&ClientMessage::Watch).unwrap();
    assert_eq!(dump(&first), dump(&frame));
}

#[test]
fn each_refusal() {
    let refused = |refusal| ServerMessage::Refused(refusal);
    let versions = Refusal::ProtocolVersion {
        server: 1,
        client: 513,
    };
    assert_frame(&refused(versions), "01 00  01  fb 0102");
    let games = Refusal::Game {
        server: game("1"),
        client: game("2"),
    };
    assert_frame(
        &refused(games),
        "01 01
         03 637570  01 31   # the server's
         03 637570  01 32   # the client's",
    );
    assert_frame(&refused(Refusal::Full { players_max: 100 }), "01 02  64");
    assert_frame(&refused(Refusal::NameTooLong), "01 03");
    assert_no_tag::<ServerMessage>("01 04");
}
