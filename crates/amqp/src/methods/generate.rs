//! Makes types and codec out of the table of methods.

/// Turns each row `CLASS, METHOD: Type "name" { fields }` into a struct and a variant of `Method`.
///
/// `content` behind the name says that the method is followed by a message. The lifetime of what is
/// borrowed is given once, at the top, because a macro cannot see a lifetime of its own making in
/// the rows.
macro_rules! methods {
    (
        <$a:lifetime>
        $(
            $(#[$doc:meta])*
            $class:literal, $method:literal: $Type:ident $(<$life:lifetime>)?
            $name:literal $($content:ident)? {
                $( $(#[$field_doc:meta])* $field:ident: $field_type:ty ),* $(,)?
            }
        )*
    ) => {
        /// Every method: class, method, name.
        pub const METHODS: &[(u16, u16, &str)] = &[$(($class, $method, $name)),*];

        $(
            $(#[$doc])*
            #[doc = concat!(
                "\n`", $name, "`, class ", stringify!($class), ", method ", stringify!($method), "."
            )]
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
            pub struct $Type $(<$life>)? {
                $(
                    #[doc = concat!("The field `", stringify!($field), "`.\n")]
                    $(#[$field_doc])*
                    pub $field: $field_type,
                )*
            }

            impl $(<$life>)? WireMethod for $Type $(<$life>)? {
                #[inline]
                fn id(&self) -> (u16, u16) {
                    ($class, $method)
                }

                #[inline]
                fn name(&self) -> &'static str {
                    $name
                }

                #[inline]
                fn has_content(&self) -> bool {
                    !concat!($(stringify!($content))?).is_empty()
                }

                #[inline]
                fn put(&self, out: &mut Vec<u8>) {
                    const ID: u32 = $class << 16 | $method;
                    out.extend_from_slice(&ID.to_be_bytes());
                    #[allow(unused_mut, unused_variables, reason = "some methods have no fields")]
                    let mut writer = Writer::new(out);
                    $(Field::put(&self.$field, &mut writer);)*
                }
            }

            impl<$a> From<$Type $(<$life>)?> for Method<$a> {
                fn from(method: $Type $(<$life>)?) -> Method<$a> {
                    Method::$Type(method)
                }
            }
        )*

        /// Any method.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Method<$a> {
            $(
                $(#[$doc])*
                $Type($Type $(<$life>)?),
            )*
        }

        impl<$a> Method<$a> {
            /// Reads the payload of a method frame. Tables in it are checked to their depth.
            ///
            /// # Errors
            /// If there is no such method, or if a field is malformed; says which.
            #[inline]
            pub fn decode(payload: &$a [u8]) -> Result<Method<$a>, DecodeError> {
                let mut reader = Reader::new(payload);
                let class_id = reader.u16().map_err(|problem| at((0, 0), "class id", problem))?;
                let method_id =
                    reader.u16().map_err(|problem| at((class_id, 0), "method id", problem))?;
                match (class_id, method_id) {
                    $(
                        ($class, $method) => {
                            const ID: (u16, u16) = ($class, $method);
                            let method = $Type {
                                $(
                                    $field: checked(&mut reader)
                                        .map_err(|problem| at(ID, stringify!($field), problem))?,
                                )*
                            };
                            reader.end().map_err(|problem| at(ID, LAST_FIELD, problem))?;
                            Ok(Method::$Type(method))
                        }
                    )*
                    id => Err(at(id, "the method", Problem::UnknownMethod)),
                }
            }
        }

        impl WireMethod for Method<'_> {
            fn id(&self) -> (u16, u16) {
                match self {
                    $(Method::$Type(method) => method.id(),)*
                }
            }

            fn name(&self) -> &'static str {
                match self {
                    $(Method::$Type(method) => method.name(),)*
                }
            }

            fn has_content(&self) -> bool {
                match self {
                    $(Method::$Type(method) => method.has_content(),)*
                }
            }

            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Method::$Type(method) => method.put(out),)*
                }
            }
        }
    };
}

pub(super) use methods;
