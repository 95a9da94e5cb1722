"""What common AMD and Intel GPUs are called; drivers name few of them."""

from __future__ import annotations

AMD, INTEL, NVIDIA = 0x1002, 0x8086, 0x10DE

NAMES = {
    (AMD, 0x66A1): "AMD Instinct MI50/MI60",
    (AMD, 0x66AF): "AMD Radeon VII",
    (AMD, 0x67DF): "AMD Radeon RX 470/480/570/580",
    (AMD, 0x687F): "AMD Radeon RX Vega 56/64",
    (AMD, 0x731F): "AMD Radeon RX 5600/5700",
    (AMD, 0x738C): "AMD Instinct MI100",
    (AMD, 0x73BF): "AMD Radeon RX 6800/6900",
    (AMD, 0x73DF): "AMD Radeon RX 6700/6750 XT",
    (AMD, 0x73EF): "AMD Radeon RX 6650 XT",
    (AMD, 0x73FF): "AMD Radeon RX 6600",
    (AMD, 0x7408): "AMD Instinct MI250X",
    (AMD, 0x740C): "AMD Instinct MI250X/MI250",
    (AMD, 0x740F): "AMD Instinct MI210",
    (AMD, 0x7448): "AMD Radeon Pro W7900",
    (AMD, 0x744C): "AMD Radeon RX 7900",
    (AMD, 0x747E): "AMD Radeon RX 7700/7800 XT",
    (AMD, 0x7480): "AMD Radeon RX 7600",
    (AMD, 0x74A1): "AMD Instinct MI300X",
    (AMD, 0x7550): "AMD Radeon RX 9070",
    (AMD, 0x7590): "AMD Radeon RX 9060 XT",
    (AMD, 0x1586): "AMD Radeon 8050S/8060S",
    (AMD, 0x150E): "AMD Radeon 880M/890M",
    (AMD, 0x15BF): "AMD Radeon 760M/780M",
    (AMD, 0x1900): "AMD Radeon 760M/780M",
    (AMD, 0x1681): "AMD Radeon 660M/680M",
    (AMD, 0x164E): "AMD Radeon Graphics (Raphael)",
    (AMD, 0x1638): "AMD Radeon Graphics (Cezanne)",
    (AMD, 0x1636): "AMD Radeon Graphics (Renoir)",
    (AMD, 0x15DD): "AMD Radeon Vega Graphics (Raven)",
    (AMD, 0x15D8): "AMD Radeon Vega Graphics (Picasso)",
    (AMD, 0x163F): "AMD Radeon Graphics (Van Gogh)",
    (INTEL, 0x56A0): "Intel Arc A770",
    (INTEL, 0x56A1): "Intel Arc A750",
    (INTEL, 0x56A5): "Intel Arc A380",
    (INTEL, 0x56A6): "Intel Arc A310",
    (INTEL, 0x5690): "Intel Arc A770M",
    (INTEL, 0xE20B): "Intel Arc B580",
    (INTEL, 0xE20C): "Intel Arc B570",
    (INTEL, 0x64A0): "Intel Arc 130V/140V",
    (INTEL, 0x7D55): "Intel Arc Graphics (Meteor Lake)",
    (INTEL, 0x46A6): "Intel Iris Xe (Alder Lake)",
    (INTEL, 0xA7A0): "Intel Iris Xe (Raptor Lake)",
    (INTEL, 0x9A49): "Intel Iris Xe (Tiger Lake)",
    (INTEL, 0x4680): "Intel UHD Graphics 770",
    (INTEL, 0xA780): "Intel UHD Graphics 770",
}

# part of the processor, for drivers too old to say so themselves
AMD_INTEGRATED = frozenset({0x1586, 0x150E, 0x15BF, 0x1900, 0x1681, 0x164E, 0x1638, 0x1636, 0x15DD, 0x15D8, 0x163F})
