#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds packages, in the working directory of kind package; run by /bin/sh -e, with variables and lists
# before it that say what the recipe says (package_run.c). kernel.sh, too, for a kernel.
# shellcheck disable=SC2154 # variables of package_run.c

# fail CODE TEXT: package_run.c makes an error of it.
fail() {
	printf '%s\n' "$*" >orch.why
	exit 1
}

# The source, in a directory whose name is always the same, since packages may remember it.
lay_out() {
	mkdir -p build/src
	if [ -d "$source" ]; then
		cp -a "$source/." build/src
	else
		tar -C build/src --no-same-owner -xf "$source"
		set -- build/src/*
		if [ $# = 1 ] && [ -d "$1" ]; then
			mv "$1" build/top
			rm -r build/src
			mv build/top build/src
		fi
	fi
	chmod -R u+w build/src
}

take_debian() {
	if [ -n "$debian" ]; then
		rm -rf build/src/debian
		cp -a "$debian" build/src/debian
		chmod -R u+w build/src/debian
	fi
	[ -f build/src/debian/control ] ||
		fail no-debian "the source has no debian/control: name a directory that has one by 'debian'"
	chmod +x build/src/debian/rules
}

# What must be there; cross is the option of dpkg's programs for another architecture.
look_around() {
	command -v dpkg-buildpackage >/dev/null ||
		fail no-program "the root has no dpkg-buildpackage: add 'build-depends' to its recipe"
	native=$(dpkg --print-architecture)
	cross=
	if [ -n "$arch" ] && [ "$arch" != "$native" ]; then
		cross=-a$arch
		gnu=$(dpkg-architecture "-a$arch" -qDEB_HOST_GNU_TYPE 2>/dev/null)
		command -v "$gnu-gcc" >/dev/null ||
			fail no-compiler "the root, whose architecture is $native, has no compiler for $arch: add crossbuild-essential-$arch to its 'packages'"
	fi
}

check_depends() {
	# shellcheck disable=SC2086 # no word when it is empty
	needs=$(cd build/src && dpkg-checkbuilddeps $cross ${profiles:+-P"$profiles"} 2>&1) && return
	needs=$(printf '%s\n' "$needs" | sed -n 's/^.*[Uu]nmet build dependencies: //p')
	if [ -n "$cross" ]; then
		fail build-depends "the root lacks what this build needs: $needs; a root of $native has no libraries of $arch: build in one of $arch, if it is libraries that are missing"
	fi
	fail build-depends "the root lacks what this build needs: $needs; name the source under 'build-depends' of the root's recipe, then 'orch lock' it"
}

# dpkg-shlibdeps knows the libraries of a cross compiler neither by their place nor, without an
# architecture in it, by the name of the package that a device has.
find_cross_libraries() {
	[ -n "$cross" ] || return 0
	LD_LIBRARY_PATH=/usr/$gnu/lib
	export LD_LIBRARY_PATH
	for file in /var/lib/dpkg/info/*-"$arch"-cross.shlibs; do
		[ ! -f "$file" ] || sed "s/:$arch\\>//" "$file" >>build/src/debian/shlibs.local
	done
}

# The date of the build would make each .buildinfo another one, and each .changes, which has its digest.
build() {
	DEB_BUILD_OPTIONS="parallel=$jobs${DEB_BUILD_OPTIONS:+ $DEB_BUILD_OPTIONS}"
	export DEB_BUILD_OPTIONS
	date=$(date -u -R -d "@$SOURCE_DATE_EPOCH")
	# shellcheck disable=SC2086 # no word when it is empty
	(cd build/src && dpkg-buildpackage -b -us -uc -d $cross ${profiles:+-P"$profiles"} \
		--hook-changes="sed -i 's/^Build-Date:.*/Build-Date: $date/' ../*.buildinfo")
}

# find_output NAME: the file that was built for it; a kernel's packages have its release in their names.
find_output() {
	case $1 in
	*.deb)
		for found in build/"${1%.deb}"_*.deb; do [ ! -f "$found" ] || return 0; done
		for found in build/"${1%.deb}"-[0-9]*_*.deb; do
			case $found in *-dbg_* | *-dbgsym_*) continue ;; esac
			[ ! -f "$found" ] || return 0
		done
		;;
	*.changes | *.buildinfo)
		for found in build/"${1%.*}"_*."${1##*.}"; do [ ! -f "$found" ] || return 0; done
		;;
	*)
		found=build/$1
		[ ! -f "$found" ] || return 0
		;;
	esac
	return 1
}

take_outputs() {
	made=$(cd build && printf '%s\n' *.* | sed -n -e 's/_.*\.deb$/.deb/p' -e '/\.dtb$/p' -e '/\.dtbo$/p' | xargs)
	outputs | while IFS= read -r name; do
		find_output "$name" || fail no-output "the build made no '$name': it made $made"
		mv "$found" "$name"
	done
}

# Debian's ccache has the names of the root's compilers but for these two, which make takes by itself. They are
# not in the working directory, where a source may have any name.
use_ccache() {
	mkdir /tmp/orch.ccache
	for name in cc c++; do
		if command -v $name >/dev/null; then ln -s /usr/bin/ccache /tmp/orch.ccache/$name; fi
	done
	PATH=/tmp/orch.ccache:/usr/lib/ccache:$PATH
}

if [ -n "${ORCH_CACHE_DIR:-}" ] && [ -d /usr/lib/ccache ]; then use_ccache; fi
look_around
lay_out
if [ -n "$kernel" ]; then
	build_kernel
else
	take_debian
	check_depends
	find_cross_libraries
	build
fi
take_outputs
