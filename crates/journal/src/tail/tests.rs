//! The decision table of recovery, row by row and then every combination.

use super::{Evidence, HeaderEvidence, Judgement, judge};
use crate::error::CorruptKind;
use crate::format::BATCH_BYTES_MAX;
use crate::format::frame::FrameHeaderFault;

const OFFSET: u64 = 8192;
const FRAME_END: u64 = 16384;

fn headers() -> Vec<HeaderEvidence> {
    let next = |sector_lost| HeaderEvidence::Next { frame_end: FRAME_END, sector_lost };
    let other = HeaderEvidence::Other(CorruptKind::FrameHeader(FrameHeaderFault::HeaderCrc));
    vec![HeaderEvidence::Zero, next(true), next(false), other]
}

#[test]
fn every_combination_of_evidence_is_judged_as_the_table_says() {
    let data_ends =
        [OFFSET, OFFSET + 512, FRAME_END, FRAME_END + 512, OFFSET + BATCH_BYTES_MAX + 512];
    for header in headers() {
        for data_end in data_ends {
            for valid_after in [None, Some(FRAME_END)] {
                let evidence =
                    Evidence { offset: OFFSET, header: header.clone(), data_end, valid_after };
                let judgement = judge(&evidence);
                let clean = header == HeaderEvidence::Zero && data_end == OFFSET;
                let zero_header_torn = header == HeaderEvidence::Zero
                    && (OFFSET + 1..=OFFSET + BATCH_BYTES_MAX).contains(&data_end);
                let sector_lost = HeaderEvidence::Next { frame_end: FRAME_END, sector_lost: true };
                let torn = zero_header_torn || (header == sector_lost && data_end <= FRAME_END);
                let expected = match (valid_after, clean, torn) {
                    (None, true, _) => "clean",
                    (None, false, true) => "torn",
                    _ => "damaged",
                };
                let found = match &judgement {
                    Judgement::Clean => "clean",
                    Judgement::Torn(bytes) => {
                        assert_eq!(*bytes, data_end - OFFSET);
                        "torn"
                    }
                    Judgement::Damaged { offset, .. } => {
                        assert_eq!(*offset, OFFSET);
                        "damaged"
                    }
                };
                assert_eq!(found, expected, "{evidence:?}: {judgement:?}");
            }
        }
    }
}

#[test]
fn damage_is_named_by_what_is_most_certain() {
    let judge_header = |header, data_end, valid_after| match judge(&Evidence {
        offset: OFFSET,
        header,
        data_end,
        valid_after,
    }) {
        Judgement::Damaged { kind, .. } => kind,
        other => panic!("{other:?}"),
    };
    let [zero, lost, whole, other] = headers().try_into().expect("there are four");
    let after = CorruptKind::ValidBatchAfter(FRAME_END);
    assert_eq!(judge_header(zero, FRAME_END, Some(FRAME_END)), after);
    assert_eq!(judge_header(lost, FRAME_END + 512, None), CorruptKind::BytesAfterEnd);
    assert_eq!(judge_header(whole, FRAME_END, None), CorruptKind::FrameBody);
    let header_crc = CorruptKind::FrameHeader(FrameHeaderFault::HeaderCrc);
    assert_eq!(judge_header(other, FRAME_END, None), header_crc);
}
