#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""device-agrees.py OUT: what device.json promises is what the card and the filled templates have.

OUT has device/device.json, install/install.img, and root/root.img with system.conf, fw_env.config,
env.config, boot.config and boot.txt. Each difference is a line; none is success.
"""
import json
import re
import subprocess
import sys

out = sys.argv[1]
problems = []


def same(what, want, have):
    if want != have:
        problems.append(f"{what}: {have!r}, not {want!r}")


def filled(path):
    run = subprocess.run(["debugfs", "-R", f"cat {path}", f"{out}/root/root.img"],
                         capture_output=True, text=True, check=True)
    if not run.stdout:
        sys.exit(f"no {path} in the image: {run.stderr}")
    return run.stdout


def sections(text):
    found, keys = {}, {}
    for line in text.splitlines():
        if line.startswith("["):
            keys = found.setdefault(line[1:-1], {})
        elif "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            keys[key] = value
    return found


def bytes_of(text):
    return int(text[:-1]) << 20 if text.endswith("M") else int(text, 0)


device = json.load(open(f"{out}/device/device.json", encoding="utf-8"))
card = subprocess.run(["sfdisk", "--json", f"{out}/install/install.img"],
                      capture_output=True, text=True, check=True).stdout
table = json.loads(card)["partitiontable"]
parts = {p["name"]: p for p in device["disk"]["partitions"]}
loader = device["bootloader"]
tries = str(loader["tries"])

# The table that the card has.
same("partitions", [p["name"] for p in device["disk"]["partitions"]],
     [p["name"] for p in table["partitions"]])
for number, p in enumerate(table["partitions"], 1):
    want = parts.get(p["name"], {})
    same(f"{p['name']} number", want.get("number"), number)
    same(f"{p['name']} start", want.get("start"), p["start"] * 512)
    same(f"{p['name']} size", want.get("size"), p["size"] * 512)
    same(f"{p['name']} guid", want.get("guid", "").upper(), p["uuid"].upper())
same("first usable", device["disk"]["first-usable"], table["firstlba"] * 512)

# What RAUC is told.
conf = sections(filled("/etc/rauc/system.conf"))
same("compatible", device["compatible"], conf["system"]["compatible"])
same("bootloader", loader["type"], conf["system"]["bootloader"])
same("boot-attempts", tries, conf["system"]["boot-attempts"])
slots = []
for group in device["slots"]:
    for i, slot in enumerate(group["slots"]):
        name = f"slot.{group['class']}.{i}"
        has = conf.get(name, {})
        slots.append(name)
        same(f"{name} bootname", slot.get("bootname"), has.get("bootname"))
        if group.get("type") != "boot-gpt-switch":
            same(f"{name} device", device["paths"].replace("{partition}", slot["partition"]),
                 has.get("device"))
            continue
        boot = table["partitions"][0]
        same("switched partition", slot["partition"], boot["name"])
        same(f"{name} device", device["disk-path"], has.get("device"))
        same(f"{name} start", boot["start"] * 512, bytes_of(has["region-start"]))
        same(f"{name} size", boot["size"] * 1024, bytes_of(has["region-size"]))
        after = min(p["start"] for p in table["partitions"][1:])
        if boot["start"] + 2 * boot["size"] > after:
            problems.append("the second half of the boot region is a partition's")
same("slots", slots, [s for s in conf if s.startswith("slot.")])

# Where U-Boot and fw_setenv keep the environment.
areas = [(a["at"], a["size"]) for a in loader["environment"]]
lines = [l.split() for l in filled("/etc/fw_env.config").splitlines() if l and l[0] != "#"]
same("fw_env.config", [[device["disk-path"], *a] for a in areas],
     [[l[0], int(l[1], 0), int(l[2], 0)] for l in lines])
config = sections("[]\n" + filled("/env.config"))[""]
same("U-Boot's offsets", [a[0] for a in areas],
     [int(config["CONFIG_ENV_OFFSET"], 0), int(config["CONFIG_ENV_OFFSET_REDUND"], 0)])
same("U-Boot's size", areas[0][1], int(config["CONFIG_ENV_SIZE"], 0))
for at, size in areas:
    if at < 34 * 512 or at + size > table["firstlba"] * 512:
        problems.append(f"the environment at {at} is where partitions are")

# What the boot script does.
script = filled("/boot.txt")
booted = {s["bootname"]: s["partition"]
          for group in device["slots"] for s in group["slots"] if "bootname" in s}
same("default order", " ".join(booted),
     re.search(r'setenv BOOT_ORDER "(.*)"', script).group(1))
for name, partition in booted.items():
    same(f"tries of {name}", {tries},
         set(re.findall(rf"setenv BOOT_{name}_LEFT (\S+)", script)))
    branch = re.search(rf'"\$\{{bootname\}}" = {name} (?:.*\n)+?.*rootpart=(\d+)', script)
    same(f"partition of {name}", str(parts[partition]["number"]), branch and branch.group(1))
    if not re.search(rf"for p in [\d ]*\b{parts[partition]['number']}\b", filled("/boot.config")):
        problems.append(f"boot.config looks for no script in slot {name}")
same("boot partition", str(parts[table["partitions"][0]["name"]]["number"]),
     re.search(r"load mmc 0:(\d)", filled("/boot.config")).group(1))

print("\n".join(problems))
sys.exit(bool(problems))
