# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# says: other.txt
# shellcheck disable=SC2016
mkdir other
printf 'setenv bootargs "gpt panic=5 rauc.slot=A"\nfor name in ${BOOT_ORDER}; do\n\ttest ${name} = A && rootpart=2\n\ttest ${name} = B && rootpart=3\ndone\nbooti 1 2 3\nreset\n' >other/other.txt
printf 'kind: run\nroot: toolchain\ninputs: [other]\nrun: ["cp other/other.txt boot.scr"]\noutputs: [boot.scr]\n' >recipes/other-script.yaml
replace recipes/boot.yaml 's/boot-script:boot.scr/other-script:boot.scr/'
