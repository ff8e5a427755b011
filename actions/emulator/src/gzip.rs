//! Files in gzip, not made smaller: what an export gives has to be readable and no more.

/// The longest content that one block holds.
const BLOCK_BYTES_MAX: usize = 0xffff;

/// The content as a gzip file of stored blocks.
pub(crate) fn stored(content: &[u8]) -> Vec<u8> {
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut blocks = content.chunks(BLOCK_BYTES_MAX).peekable();
    while let Some(block) = blocks.next() {
        file.push(u8::from(blocks.peek().is_none()));
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        file.extend(length.to_le_bytes());
        file.extend((!length).to_le_bytes());
        file.extend(block);
    }
    file.extend(crc32(content).to_le_bytes());
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    file.extend(length.to_le_bytes());
    file
}

fn crc32(content: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in content {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let odd = crc & 1 == 1;
            crc >>= 1;
            if odd {
                crc ^= 0xedb8_8320;
            }
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_known_one_and_the_file_has_the_known_shape() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        let file = stored(b"a");
        assert_eq!(file[..4], [0x1f, 0x8b, 8, 0]);
        assert_eq!(file[10..16], [1, 1, 0, 0xfe, 0xff, b'a']);
        assert_eq!(file.len(), 24);
    }
}
