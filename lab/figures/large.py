#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints a gadget file of 2,000 lines with 50 functions: 35 of FunctionFS with all keys, 15 of the kernel, in four
configurations."""

ENDPOINT = """            {
              direction = "%s";
              type = "bulk";
              name = "%s";
              max_packet = 512;
              super : { max_packet = 1024; burst = %d; };
            }"""
FFS = """  data%02d : {
    # The %dth of its kind
    ffs : {
      mount : {
        uid = "root";
        gid = 0;
        mode = "0750";
        no_disconnect = true;
      };
      speeds = [ "full", "high", "super" ];
      interfaces = (
        {
          class = "vendor";
          subclass = %d;
          protocol = 0x%02x;
          string = (
            { lang = "en-us"; text = "Data %d"; },
            { lang = "de-de"; text = "Daten %d"; }
          );
          endpoints = (
%s
          );
        }
      );
    };
    worker : {
      plugin = "loopback";
      io : { size = "64K"; depth = 8; };
      start_timeout = 20;
      restart_delay = 0.5;
      user = "nobody";
    };
  };
"""
KERNEL = (("acm", "attrs : { protocol = 1; };"), ("ncm", "attrs : { dev_addr = \"02:00:00:00:00:%02x\"; qmult = 5; };"),
          ("mass_storage", "attrs : { stall = true; luns = ( { ro = true; removable = true; file = \"disk%02x.img\"; } ); };"))

functions = []
for i in range(35):
    endpoints = ",\n".join(ENDPOINT % (direction, direction, i % 16) for direction in ("in", "out"))
    functions.append(("data%02d" % i, FFS % (i, i, i, i, i, i, endpoints)))
for i in range(15):
    kind, attrs = KERNEL[i % 3]
    functions.append(("kernel%02d" % i, "  kernel%02d : {\n    type = \"%s\";\n    %s\n  };\n" % (
        i, kind, attrs % i if "%" in attrs else attrs)))
text = "attrs : { idVendor = 0x1209; idProduct = 1; bcdDevice = 0x0100; };\nfunctions : {\n"
text += "".join(body for _, body in functions) + "};\nconfigs = (\n"
for i in range(4):
    labels = [name for name, _ in functions][i::4]
    text += "  {\n    id = %d;\n    functions = (\n%s\n    );\n  }%s\n" % (
        i + 1, ",\n".join('      "%s"' % label for label in labels), "," if i < 3 else "")
text += ");\n"
lines = text.count("\n")
assert lines <= 2000, lines
print(text + "# filled up to 2,000 lines\n" * (2000 - lines), end="")
