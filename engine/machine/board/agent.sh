# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# In the guest of a scenario: runs what comes through the port, and says what comes of it (agent.h).
# $media: there is a disk with the files of the test. $stream: all comes and goes by stdin and
# stdout, the files, too.
# shellcheck disable=SC2015,SC2086 # no words here have spaces
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LC_ALL=C.UTF-8 TERM=dumb
umask 022
cd /
dir=/run/orch
mkdir -p $dir/media
[ -n "$stream" ] || modprobe -q -a virtio_pci virtio_console virtio_blk ext4

mount_media() {
	for s in /sys/block/*/serial; do
		[ -e "$s" ] || continue
		# there is no newline in it
		read -r x <"$s" || :
		[ "$x" = orch-media ] || continue
		d=${s#/sys/block/}
		mount -t ext4 -o ro,noload "/dev/${d%%/*}" $dir/media && return 0
	done
	return 1
}

find_port() {
	for n in /sys/class/virtio-ports/*/name; do
		[ -e "$n" ] && read -r x <"$n" && [ "$x" = org.orch.agent ] || continue
		n=${n%/name}
		port=/dev/${n##*/}
		[ -e "$port" ] && return 0
	done
	return 1
}

[ -n "$stream" ] || until find_port; do sleep 0.2; done
i=0
# shellcheck disable=SC2154 # the caller's
until [ -z "$media" ] || mount_media || [ $i -ge 150 ]; do i=$((i + 1)); sleep 0.2; done
if [ -n "$stream" ]; then
	exec 3>&1 4<&0
else
	exec 3<>"$port" 4<&3
fi

job() {
	{
		/bin/sh -e $dir/job-$1 3>&- 4<&- </dev/null 2>&1
		echo $? >$dir/status-$1
	} | while IFS= read -r line || [ -n "$line" ]; do
		printf 'out %s %s\n' $1 "$line" >&3
	done
	read -r status <$dir/status-$1
	printf 'end %s %s\n' $1 "$status" >&3
}

printf 'hello\n' >&3
while :; do
	while read -r word id len name <&4; do
		case $word in
		run)
			head -c "$len" <&4 >$dir/job-$id
			job $id &
			;;
		put)
			# what does not fit is read all the same
			name=$dir/media/$name
			mkdir -p "${name%/*}"
			head -c "$len" <&4 | { cat >"$name" 2>/dev/null; cat >/dev/null; }
			[ "$(stat -c %s "$name")" = "$len" ]
			printf 'end %s %s\n' $id $? >&3
			;;
		esac
	done
	[ -z "$stream" ] || exit 0
	sleep 0.5
done
