# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# For e2e scripts, after lib.sh:  . tests/e2e/users.sh
#
# A package whose maintainer script does what takes more than one user: own-users, in a signed
# archive 'own' of its own. What it makes lies in /var/lib/users. own-later, of a later layer, changes
# modes there. users_tree is a recipe of kind tree whose steps do the same and then look at it.

. tests/e2e/archive-lib.sh
# users_archive PROJECT: makes the archive; PROJECT gets its key, and the archive as a mirror.
users_archive() {
	export GNUPGHOME="${scratch:?}/gnupg" XDG_CONFIG_HOME="$scratch/config"
	archive=$scratch/archive
	users=$scratch/deb/own-users
	mkdir -p "$1/keys" "$XDG_CONFIG_HOME/orch" "$archive/pool" "$users/DEBIAN"
	key users@example.org >/dev/null 2>&1
	gpg --export users@example.org >"$1/keys/own.gpg"
	printf 'mirrors: {own: "file://%s"}\n' "$archive" >>"$XDG_CONFIG_HOME/orch/config.yaml"
	cat >"$users/DEBIAN/control" <<'END'
Package: own-users
Version: 1.0
Architecture: all
Maintainer: Nobody <nobody@example.org>
Depends: acl, attr, libcap2-bin, passwd
Description: files of several users
END
	users_script >"$users/DEBIAN/postinst"
	chmod 755 "$users/DEBIAN/postinst"
	dpkg-deb --root-owner-group -b "$users" "$archive/pool/own-users_1.0_all.deb" >/dev/null || return
	later=$scratch/deb/own-later
	cp -R "$users" "$later"
	sed -i 's/^Package: .*/Package: own-later/; s/^Depends: .*/Depends: own-users/' "$later/DEBIAN/control"
	printf '#!/bin/sh\ncd /var/lib/users && chmod 711 capable list/changed attribute\n' \
		>"$later/DEBIAN/postinst"
	dpkg-deb --root-owner-group -b "$later" "$archive/pool/own-later_1.0_all.deb" >/dev/null &&
		publish users@example.org >/dev/null 2>&1
}

users_script() {
	cat <<'END'
#!/bin/sh
set -e
mkdir -p /var/lib/users
chmod 1777 /var/lib/users
cd /var/lib/users
# as somebody else
runuser -u daemon -- touch as-runuser
su -s /bin/sh daemon -c 'touch as-su; mkdir as-su.d'
setpriv --reuid daemon --regid daemon --clear-groups ln -s nowhere as-setpriv
chroot --userspec=daemon:daemon / touch /var/lib/users/as-chroot
perl -e '$) = "5 5"; $> = 1; open(F, ">as-perl"); $> = 0; $) = 0; open(F, ">as-root")'
for try in 'cat /etc/shadow' 'rm as-root' 'echo >/etc/x' 'test -r /etc/shadow' 'ls /root' \
	'chown games as-runuser' 'mknod x c 1 3'; do
	if runuser -u daemon -- sh -c "$try" >/dev/null 2>&1; then touch "did:$try"; fi
done
# set-group-ID directories, set-id programs, a number that is used again
mkdir group
chgrp staff group
chmod 2775 group
: >group/file
mkdir group/directory
cp /bin/true program
chown games:games program
chmod 6755 program
# set-id bits stay when root writes, and go when somebody else does
cp -p program edited
sed -i s/x/x/ edited
exec 3>late
chmod 4755 late
echo x >&3
exec 3>&-
: >taken
chmod 4777 taken
runuser -u daemon -- sh -c 'echo x >>taken'
for i in 1 2 3 4 5 6 7 8; do
	: >again
	chown games again
	rm again
done
: >again
# access lists
mkdir list
setfacl -m g:adm:rx,u:games:rwx,d:g:adm:rx list
: >list/file
mkdir list/directory
: >list/changed
setfacl -m u:games:rw list/changed
chmod 604 list/changed
# attributes, capabilities
echo x >attribute
setfattr -n user.origin -v me attribute
setfattr -n trusted.origin -v root attribute
for f in capable written given; do
	cp /bin/true $f
	setcap cap_net_raw+ep $f
done
echo >>written
chown daemon given
chmod 750 capable
# devices, pipes, what its owner may not read
mknod -m 660 block b 259 700
chgrp disk block
mknod character c 1 3
mkfifo -m 600 pipe
chown games pipe
: >shut
mkdir dark
: >dark/file
chmod 0 shut dark dark/file
END
}

# users_tree FROM: a recipe of kind tree: the same in steps, each in a sandbox of its own. What programs
# see of it is in /seen.
users_tree() {
	printf 'kind: tree\nfrom: %s\nusers: [{name: app, uid: 990, home: /home/app}]\nrun:\n  - |\n' "$1"
	echo '    rm -rf /var/lib/users'
	users_script | sed 1d | sed 's/^/    /'
	echo '  - |'
	users_later | sed 's/^/    /'
	echo '  - |'
	users_look | sed 's/^/    /'
}

users_later() {
	cat <<'END'
cd /var/lib/users
chmod 711 capable list/changed attribute
# set-id programs, of a tree and by an ordinary user
cp /usr/bin/id ids
chown app:games ids
chmod 6755 ids
./ids >by-root
setpriv --reuid daemon --regid daemon --clear-groups ./ids >by-daemon
su -s /bin/sh app -c 'umask 077; echo x >/home/app/private; mkdir /home/app/d; ln /home/app/private /home/app/d/hard
	setfacl -m u:games:r /home/app/private; setfattr -n user.mine -v x /home/app/d; chgrp app /home/app/d'
setpriv --reuid app --regid app --groups staff sh -c 'umask 002; : >group/by-app; mkdir group/d; chgrp staff /home/app/d'
# names that move, copies, archives
cp -a list copied
cp -a capable attribute block pipe copied/
mv copied moved
tar --xattrs --xattrs-include='*' --acls -cf - moved | (mkdir again.d; tar -C again.d --xattrs --xattrs-include='*' --acls -xpf -)
ln capable capable-too
setcap cap_net_admin,cap_chown+eip capable-too
setfattr -x user.origin attribute
setfacl -b moved/changed
chown -h games as-setpriv
chown 70000:80000 shut
touch -h -d 2001-02-03 as-setpriv as-root
mkdir -m 3770 /var/spool/drop
chgrp staff /var/spool/drop
useradd -u 991 -m late
install -o late -g games -m 4710 /bin/true /usr/local/bin/late
END
}

users_look() {
	cat <<'END'
exec >/seen 2>&1
find /var/lib/users /home /var/spool/drop /usr/local/bin -printf '%M %U:%G %n %l %p\n' | sort
find /var/lib/users /home -type f -size -2k ! -name block ! -name character -print0 | sort -z | xargs -0 sha256sum
find /var/lib/users /home ! -type l -print0 | sort -z | xargs -0 getfacl -pn
find /var/lib/users /home -print0 | sort -z | xargs -0 getfattr -hd -m - -e hex --absolute-names
getcap -r /var/lib/users | sort
cat /var/lib/users/by-*
id; umask; pwd; env | sort; stat -c '%A %u:%g %n' /dev/* /run/* /tmp; ls /
[ -t 1 ] || echo "no terminal"
END
}

# users_list TREE.TAR: what the script made, a line each.
users_list() {
	tar --numeric-owner --xattrs --xattrs-include='*' -tvvf "$1" var/lib/users 2>/dev/null |
		sed -n -e 's/^  x: *\([0-9]*\) \(.*\)/  \2 \1/p' \
			-e 's,^\([-dlbcp][^ ]*\) *\([0-9/]*\) .* var/lib/users/\(.*\)$,\1 \2 \3,' \
			-e 's/^\([-dlbcp].*[^ ]\) *$/\1/p'
}

# What users_list says after the script was run by root in a root of its own, without orch.
users_expected() {
	cat <<'END'
drwxrwxrwt 0/0
-rw-r--r-- 0/0 again
-rw-r--r-- 1/1 as-chroot
-rw-r--r-- 1/5 as-perl
-rw-r--r-- 0/0 as-root
-rw-r--r-- 1/1 as-runuser
lrwxrwxrwx 1/1 as-setpriv -> nowhere
-rw-rw-r-- 1/1 as-su
drwxrwxr-x 1/1 as-su.d/
-rw-r--r--* 0/0 attribute
  user.origin 2
  trusted.origin 4
brw-rw---- 0/6 block
-rwxr-x---* 0/0 capable
  security.capability 20
crw-r--r-- 0/0 character
d--------- 0/0 dark/
---------- 0/0 dark/file
-rwsr-sr-x 5/60 edited
-rwxr-xr-x 1/0 given
drwxrwsr-x 0/50 group/
drwxr-sr-x 0/50 group/directory/
-rw-r--r-- 0/50 group/file
-rwsr-xr-x 0/0 late
drwxrwxr-x* 0/0 list/
  system.posix_acl_default 44
  system.posix_acl_access 52
-rw----r--* 0/0 list/changed
  system.posix_acl_access 52
drwxr-xr-x* 0/0 list/directory/
  system.posix_acl_default 44
  system.posix_acl_access 44
-rw-r--r--* 0/0 list/file
  system.posix_acl_access 44
prw------- 5/0 pipe
-rwsr-sr-x 5/60 program
---------- 0/0 shut
-rwxrwxrwx 0/0 taken
-rwxr-xr-x 0/0 written
END
}
