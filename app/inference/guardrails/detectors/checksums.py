"""Check digits and ranges, so that any long number is not taken for a card's or an account's."""

import ipaddress
from typing import Final

# Lengths of IBANs by country, of the SWIFT registry.
_COUNTRIES: Final = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 "
    "DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 "
    "IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 "
    "MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 "
    "SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
IBAN_LENGTHS: Final = {each[:2]: int(each[2:]) for each in _COUNTRIES.split()}


def is_card(text: str) -> bool:
    """Tell a payment card's number: 13 to 19 digits whose Luhn sum comes out."""
    digits = [int(c) for c in text if c.isascii() and c.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [d * 2 - 9 if d > 4 else d * 2 for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """Tell an IBAN: its country's length, and 1 modulo 97 (ISO 13616)."""
    code = "".join(text.split()).upper()
    if IBAN_LENGTHS.get(code[:2]) != len(code):
        return False
    return int("".join(str(int(c, 36)) for c in code[4:] + code[:4])) % 97 == 1


def is_ssn(text: str) -> bool:
    """Tell a social security number of the USA that can have been given out."""
    area, group, serial = (text[:3], text[4:6], text[7:])
    return area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"


def is_ip(text: str) -> bool:
    """Tell an address that is somebody's: not this machine's, nobody's, or a version number."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (found.is_loopback or found.is_unspecified or found.is_multicast)


def is_nhs_number(text: str) -> bool:
    """Tell a number of the United Kingdom's health service by its check digit (modulo 11)."""
    digits = [int(c) for c in text if c.isdigit()]
    if len(digits) != 10:
        return False
    check = 11 - sum(d * (10 - i) for i, d in enumerate(digits[:9])) % 11
    return check % 11 == digits[9] and check != 10
