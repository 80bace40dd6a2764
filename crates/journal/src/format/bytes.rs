//! Little-endian integers in byte slices. Offsets are constants of the format, so a wrong one is a
//! broken invariant and panics.

macro_rules! little_endian {
    ($type:ty, $get:ident, $put:ident) => {
        pub(crate) fn $get(bytes: &[u8], offset: usize) -> $type {
            const BYTES: usize = size_of::<$type>();
            let field = bytes[offset..offset + BYTES].try_into();
            <$type>::from_le_bytes(field.expect("the range is as long as the integer"))
        }

        pub(crate) fn $put(bytes: &mut [u8], offset: usize, value: $type) {
            bytes[offset..offset + size_of::<$type>()].copy_from_slice(&value.to_le_bytes());
        }
    };
}

little_endian!(u16, u16_at, put_u16);
little_endian!(u32, u32_at, put_u32);
little_endian!(u64, u64_at, put_u64);
little_endian!(u128, u128_at, put_u128);
