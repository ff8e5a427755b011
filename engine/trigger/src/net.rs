//! Networks in CIDR notation.

use std::net::IpAddr;

/// A network: an address with all host bits zero, and the length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Net {
    bits: u128,
    length: Length,
}

/// The length of a prefix, and the kind of address it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Length {
    v6: bool,
    bits: u8,
}

impl Net {
    /// Reads `10.0.0.0/8`, `2001:db8::/32`, or one address.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let example = || "write a network such as `10.0.0.0/8` or `2001:db8::/32`".to_owned();
        let address: IpAddr = address.parse().map_err(|_| example())?;
        let all = if address.is_ipv6() { 128 } else { 32 };
        let bits = match length {
            None => all,
            Some(length) => length
                .parse()
                .ok()
                .filter(|bits| *bits <= all)
                .ok_or_else(example)?,
        };
        let length = Length {
            v6: address.is_ipv6(),
            bits,
        };
        let net = Self {
            bits: mask(value(address), length),
            length,
        };
        if net.bits != value(address) {
            return Err(format!("write the network `{}/{bits}`", net.address()));
        }
        Ok(net)
    }

    /// The network of this length that `address` is in, where the kinds of address agree.
    pub(crate) fn around(address: IpAddr, length: Length) -> Option<Self> {
        let address = address.to_canonical();
        (address.is_ipv6() == length.v6).then(|| Self {
            bits: mask(value(address), length),
            length,
        })
    }

    pub(crate) fn contains(self, address: IpAddr) -> bool {
        Self::around(address, self.length) == Some(self)
    }

    pub(crate) const fn length(self) -> Length {
        self.length
    }

    fn address(self) -> IpAddr {
        if self.length.v6 {
            IpAddr::V6(self.bits.into())
        } else {
            IpAddr::V4(u32::try_from(self.bits).unwrap_or_default().into())
        }
    }
}

fn value(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

fn mask(value: u128, length: Length) -> u128 {
    let hosts = u32::from(if length.v6 {
        128 - length.bits
    } else {
        32 - length.bits
    });
    value & u128::MAX.checked_shl(hosts).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        let holds =
            |net: &str, address: &str| Net::read(net).unwrap().contains(address.parse().unwrap());
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.0"));
        assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(holds("0.0.0.0/0", "255.1.1.1") && !holds("0.0.0.0/0", "::1"));
        assert!(holds("::/0", "2001:db8::1") && holds("2001:db8::/32", "2001:db8:1::"));
        assert!(holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7/32", "192.0.2.8"));
    }

    #[test]
    fn a_network_with_host_bits_names_the_network_meant() {
        assert_eq!(
            Net::read("10.1.2.3/8").unwrap_err(),
            "write the network `10.0.0.0/8`"
        );
        for wrong in ["10.0.0.0/33", "10.0.*", "10.0.0.0/", "host/8", ""] {
            assert!(Net::read(wrong).is_err(), "{wrong}");
        }
    }
}
