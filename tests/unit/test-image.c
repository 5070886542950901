/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media.h"

#include "action.h"
#include "kinds/image/image_opts.h"
#include "kinds/kinds.h"
#include "kinds/makers.h"
#include "media/ext4/ext4.h"

#define EPOCH 1700000000

static void add(struct tree *t, const char *path, const char *text)
{
	struct err *err = NULL;

	ok(tree_add_file(t, path, 0644, text, strlen(text), &err), &err);
}

static void is_link(struct tree *t, const char *path, const char *target)
{
	struct tree_entry *e = tree_lookup(t, path);

	if (!e || !S_ISLNK(e->inode->mode))
		fail_msg("'%s' is not a link", path);
	assert_string_equal(e->inode->target, target);
}

static struct list list_of(const char *const *words)
{
	struct list l = {(void *)words, 0};

	while (words[l.count])
		l.count++;
	return l;
}
#define LIST(...) list_of((const char *const[]){__VA_ARGS__, NULL})

static struct tree *sample(void)
{
	struct tree *t = tree_new(EPOCH, dir);
	struct err *err = NULL;

	ok(tree_add_symlink(t, "lib", "usr/lib", &err), &err);
	add(t, "usr/lib/systemd/system/app.service",
	    "[Unit]\n"
	    "WantedBy=wrong.target\n"
	    "[Install]\n"
	    "# WantedBy=no.target\n"
	    "WantedBy=app.target \\\n multi-user.target\n"
	    "RequiredBy = need.target\n"
	    "Alias=product.service app.service\n"
	    "Also=app.socket missing.timer\n[X]\nWantedBy=wrong.target\n");
	add(t, "usr/lib/systemd/system/app.socket", "[Install]\nWantedBy=sockets.target\n");
	add(t, "usr/lib/systemd/system/getty@.service",
	    "[Install]\nWantedBy=getty.target\nDefaultInstance=tty1\nAlias=console-%i.service\n");
	add(t, "usr/lib/systemd/system/static.service", "[Service]\nExecStart=/bin/true\n");
	add(t, "etc/systemd/system/own.target", "[Install]\nWantedBy=multi-user.target\n");
	return t;
}

static void test_enable(void **state)
{
	struct tree *t cleanup_tree = sample();
	struct err *err = NULL;
	struct units u = {.enable = LIST("app.service", "getty@.service", "getty@ttyS0.service",
					 "own.target"),
			  .mask = LIST("bad.service")};

	ok(units_apply(t, &u, &err), &err);
	is_link(t, "etc/systemd/system/app.target.wants/app.service",
		"/usr/lib/systemd/system/app.service");
	is_link(t, "etc/systemd/system/multi-user.target.wants/app.service",
		"/usr/lib/systemd/system/app.service");
	is_link(t, "etc/systemd/system/need.target.requires/app.service",
		"/usr/lib/systemd/system/app.service");
	is_link(t, "etc/systemd/system/product.service", "/usr/lib/systemd/system/app.service");
	assert_null(tree_lookup(t, "etc/systemd/system/app.service"));
	is_link(t, "etc/systemd/system/sockets.target.wants/app.socket",
		"/usr/lib/systemd/system/app.socket");
	is_link(t, "etc/systemd/system/getty.target.wants/getty@tty1.service",
		"/usr/lib/systemd/system/getty@.service");
	is_link(t, "etc/systemd/system/getty.target.wants/getty@ttyS0.service",
		"/usr/lib/systemd/system/getty@.service");
	is_link(t, "etc/systemd/system/console-ttyS0.service",
		"/usr/lib/systemd/system/getty@.service");
	is_link(t, "etc/systemd/system/multi-user.target.wants/own.target",
		"/etc/systemd/system/own.target");
	is_link(t, "etc/systemd/system/bad.service", "/dev/null");
	assert_null(tree_lookup(t, "etc/systemd/system/wrong.target.wants"));
	assert_null(tree_lookup(t, "etc/systemd/system/no.target.wants"));
	assert_null(tree_lookup(t, "etc/systemd/system-preset/00-image.preset"));
}

static void test_disable(void **state)
{
	struct tree *t cleanup_tree = sample();
	struct err *err = NULL;
	struct units on = {.enable = LIST("app.service")};
	struct units off = {.disable = LIST("app.service"), .enable = LIST("own.target")};
	char *preset cleanup_free = NULL;

	ok(units_apply(t, &on, &err), &err);
	ok(units_apply(t, &off, &err), &err);
	assert_null(tree_lookup(t, "etc/systemd/system/app.target.wants/app.service"));
	assert_null(tree_lookup(t, "etc/systemd/system/need.target.requires/app.service"));
	assert_null(tree_lookup(t, "etc/systemd/system/product.service"));
	assert_non_null(tree_lookup(t, "etc/systemd/system/sockets.target.wants/app.socket"));
	preset = tree_inode_text(tree_lookup(t, "etc/systemd/system-preset/00-image.preset")->inode,
				 1000);
	has(preset, "\nenable own.target\ndisable app.service\n");
}

static void test_units_refused(void **state)
{
	struct tree *t cleanup_tree = sample();
	struct err *err = NULL;
	struct units u = {.enable = LIST("nope.service")};

	refused(units_apply(t, &u, &err), &err, "there is no unit 'nope.service'");
	u.enable = LIST("static.service");
	refused(units_apply(t, &u, &err), &err, "no [Install] section");
	u.enable = LIST("app");
	refused(units_apply(t, &u, &err), &err, "with its suffix");
	u.enable = LIST("../app.service");
	refused(units_apply(t, &u, &err), &err, "not a unit name");
	u.enable = (struct list){0};
	u.mask = LIST("own.target");
	refused(units_apply(t, &u, &err), &err, "in the way of a link");
}

static void test_bootloader(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct image_boot b = {.esp = "/boot/efi", .token = "edge", .root_partuuid = "abcd"};
	struct err *err = NULL;
	char *entry cleanup_free = NULL, *loader cleanup_free = NULL, *second cleanup_free = NULL;

	refused(image_install_boot(t, &b, &err), &err, "has no kernel");
	add(t, "boot/vmlinuz-6.9.1-arm64", "old");
	add(t, "boot/vmlinuz-6.12.1-arm64", "new");
	refused(image_install_boot(t, &b, &err), &err, "install package systemd-boot-efi");
	add(t, "usr/lib/systemd/boot/efi/systemd-bootaa64.efi", "MZ");
	add(t, "usr/lib/systemd/boot/efi/linuxaa64.efi.stub", "MZ");
	add(t, "usr/lib/os-release", "NAME=x\nPRETTY_NAME=\"Debian 13\"\n");
	add(t, "boot/initrd.img", "initrd");
	ok(image_install_boot(t, &b, &err), &err);
	assert_int_equal(tree_lookup(t, "boot/efi/EFI/BOOT/BOOTAA64.EFI")->inode->size, 2);
	assert_non_null(tree_lookup(t, "boot/efi/EFI/systemd/systemd-bootaa64.efi"));
	entry = tree_inode_text(
		tree_lookup(t, "boot/efi/loader/entries/edge-6.12.1-arm64.conf")->inode, 1000);
	assert_string_equal(entry, "title Debian 13\nversion 6.12.1-arm64\n"
				   "linux /edge/6.12.1-arm64/linux\n"
				   "initrd /edge/6.12.1-arm64/initrd.img\n"
				   "options root=PARTUUID=abcd rw\n");
	loader = tree_inode_text(tree_lookup(t, "boot/efi/loader/loader.conf")->inode, 1000);
	has(loader, "default edge-6.12.1-arm64.conf\n");
	assert_memory_equal(
		tree_lookup(t, "boot/efi/edge/6.12.1-arm64/linux")->inode->segments[0].data, "new",
		3);
	b.cmdline = "root=/dev/vda2 ro";
	ok(image_install_boot(t, &b, &err), &err);
	second = tree_inode_text(
		tree_lookup(t, "boot/efi/loader/entries/edge-6.12.1-arm64.conf")->inode, 1000);
	has(second, "options root=/dev/vda2 ro\n");
}

static void test_modes(void **state)
{
	struct tree *t cleanup_tree = sample();
	struct pair one = {"/etc/**/*.target", "0600 1000:1001", {0}, NULL};
	struct pair none = {"/nothing", "0600", {0}, NULL};
	struct pair *pairs[] = {&one, &none};
	struct list modes = {pairs, 1};
	struct content_attr attr;
	struct err *err = NULL;

	ok(content_modes(&modes, t, &err), &err);
	assert_int_equal(tree_lookup(t, "etc/systemd/system/own.target")->inode->mode,
			 S_IFREG | 0600);
	assert_int_equal(tree_lookup(t, "etc/systemd/system/own.target")->inode->uid, 1000);
	assert_int_equal(tree_lookup(t, "etc/systemd/system/own.target")->inode->gid, 1001);
	modes.count = 2;
	refused(content_modes(&modes, t, &err), &err, "matches '/nothing'");
	assert_int_equal(content_attr_parse("0:42", &attr), 0);
	assert_int_equal(attr.mode, -1);
	assert_int_equal(attr.gid, 42);
	assert_int_equal(content_attr_parse("4755", &attr), 0);
	assert_int_equal(attr.mode, 04755);
	assert_int_equal(attr.uid, -1);
	assert_int_equal(content_attr_parse("", &attr), 1);
	assert_int_equal(content_attr_parse("0888", &attr), 1);
	assert_int_equal(content_attr_parse("0644 ", &attr), 1);
	assert_int_equal(content_attr_parse("0644 root", &attr), 1);
	assert_int_equal(content_attr_parse("root:root", &attr), 1);
	assert_int_equal(content_attr_parse("17777", &attr), 1);
}

static void test_private_keys(void **state)
{
	struct tree *t cleanup_tree = sample();
	struct list none = {0}, allow = LIST("/etc/keys/*");
	struct err *err = NULL;

	add(t, "usr/share/doc/readme", "A key begins with -----BEGIN PRIVATE KEY-----\nand so on");
	add(t, "usr/share/doc/empty", "-----BEGIN PRIVATE KEY-----\n...\n");
	add(t, "etc/cert", "-----BEGIN CERTIFICATE-----\nMIIB\n");
	ok(image_refuse_keys(t, &none, &err), &err);
	add(t, "etc/keys/device.pem", "text\n-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n");
	refused(image_refuse_keys(t, &none, &err), &err,
		"'/etc/keys/device.pem' holds a private key");
	ok(image_refuse_keys(t, &allow, &err), &err);
}

static void has_form(struct tree *t, const char *name, const char *form)
{
	struct list none = {0};
	struct err *err = NULL;
	char *path cleanup_free = xasprintf("/etc/%s", name);
	char *said cleanup_free = xasprintf("'%s' holds a private key (%s)", path, form);
	struct str text cleanup_str = STR_INIT;
	size_t count;

	ok(file_read(at(name), 1 << 20, &text, &err), &err);
	ok(tree_add_file(t, path, 0600, text.buf, text.len, &err), &err);
	refused(image_refuse_keys(t, &none, &err), &err, said);
	ok(tree_remove(t, path, &count, &err), &err);
	ok(image_refuse_keys(t, &none, &err), &err);
}

static void test_packed_keys(void **state)
{
	static const char *const files[] = {"key.gz", "key.xz", "keys.tar.gz", "keys.tar.xz",
					    "keys.zip"};
	struct tree *t cleanup_tree = tree_new(0, dir);
	struct str cut cleanup_str = STR_INIT;
	struct err *err = NULL;

#define LINE "MHcCAQEEIBkg4LVWM9nuwNSk3yByxZpYRTBnVJk5GkMgRcQKgXAoAoGCCqGSM49\n"
	/* Long enough for xz to compress it. */
	put("key", "-----BEGIN EC PRIVATE KEY-----\n" LINE LINE LINE LINE LINE);
	put("public", "-----BEGIN PUBLIC KEY-----\nMHcCAQEE\n");
	RUN("sh", "-ec",
	    "gzip -k key; xz -k key; tar -czf keys.tar.gz public key; gzip public\n"
	    "tar -cJf keys.tar.xz public.gz key; python3 -m zipfile -c keys.zip public.gz key");
	for (size_t i = 0; i < array_len(files); i++)
		has_form(t, files[i], "PEM, compressed");
	has_form(t, "key", "PEM");
	ok(file_read(at("key.gz"), 1 << 20, &cut, &err), &err);
	ok(tree_add_file(t, "etc/cut.gz", 0600, cut.buf, 20, &err), &err);
	ok(image_refuse_keys(t, &(struct list){0}, &err), &err);
}

/* Decodes a recipe; the errors in one text, or NULL. */
static char *check_recipe(const char *text)
{
	struct arena *arena cleanup_arena = arena_new();
	struct err_list errors cleanup_err_list = {0};
	struct yaml *y = yaml_parse(arena, "r", text, strlen(text), &errors);
	struct str s cleanup_str = STR_INIT;

	if (y)
		schema_decode(&image_schema, arena, y, NULL, &errors);
	for (size_t i = 0; i < errors.count; i++) {
		char *line cleanup_free = err_string(errors.items[i]);

		str_printf(&s, "%s\n", line);
	}
	return errors.count ? str_steal(&s) : NULL;
}

static void wrong(const char *recipe, const char *what)
{
	char *text cleanup_free = check_recipe(recipe);

	if (!text)
		fail_msg("accepted:\n%s", recipe);
	has(text, what);
}

/* The programs whose versions are in the key, a space after each. */
static char *tools_of(const char *text)
{
	struct arena *arena cleanup_arena = arena_new();
	struct err_list errors cleanup_err_list = {0};
	struct yaml *y = yaml_parse(arena, "r", text, strlen(text), &errors);
	const void *opts = schema_decode(&image_schema, arena, y, NULL, &errors);
	struct str s = STR_INIT;
	struct strs tools = {0};

	assert_int_equal(errors.count, 0);
	kind_image.tools(opts, &tools);
	for (size_t i = 0; i < tools.count; i++)
		str_printf(&s, "%s ", tools.items[i]);
	strs_clear(&tools);
	return str_steal(&s);
}

static void test_tools(void **state)
{
	static const char *const cases[][2] = {
		{"size: 1G\nfilesystem: ext4\n", ""},
		{"size: 1G\nfilesystem: btrfs\nwriter: guestfs\n", "mkfs.btrfs "},
		{"size: 1G\ntable: gpt\nwriter: guestfs\npartitions:\n"
		 "- {name: esp, type: esp, size: 64M, filesystem: vfat, mount: /boot}\n"
		 "- {name: a, type: home, size: 9M, filesystem: xfs, mount: /x}\n"
		 "- {name: b, type: home, size: 9M, filesystem: ext4, mount: /y}\n"
		 "- {name: c, type: home, size: 9M, filesystem: ext4, mount: /z}\n",
		 "mkfs.ext4 mkfs.xfs "},
	};

	for (size_t i = 0; i < array_len(cases); i++) {
		char *tools cleanup_free = tools_of(cases[i][0]);

		assert_string_equal(tools, cases[i][1]);
	}
}

static void test_options(void **state)
{
#define PARTS "size: 1G\ntable: gpt\npartitions:\n"
	assert_null(check_recipe("size: 1G\nfilesystem: ext4\ncontents: [{unpack: base}]\n"));
	assert_null(check_recipe(
		PARTS "- {name: esp, type: esp, size: 64M, filesystem: vfat, mount: /boot}\n"
		      "- {name: root, type: root-arm64, filesystem: ext4, mount: /}\n"
		      "bootloader: systemd-boot\n"));
	wrong("size: 1G\n", "r:1:1: an image has either a 'filesystem' or 'table: gpt'");
	wrong("size: 1G\nfilesystem: ext4\ntable: gpt\n", "either a 'filesystem'");
	wrong("size: 1G\nfilesystem: btrfs\n", "say 'writer: guestfs'");
	wrong(PARTS "- {name: a, type: root-arm46, size: 1M}\n", "did you mean 'root-arm64'?");
	wrong(PARTS "- {name: a, type: swap, size: 2G}\n", "r:4:1: the partitions need");
	wrong(PARTS "- {name: a, type: swap, size: 1M, mount: /x}\n", "needs a 'filesystem'");
	wrong(PARTS "- {name: a, type: home, size: 1M, filesystem: ext4, mount: /x}\n"
		    "- {name: b, type: home, size: 1M, filesystem: ext4, mount: /x}\n",
	      "two partitions are mounted at '/x'");
	wrong(PARTS "- {name: a, type: home, size: 1M}\nbootloader: systemd-boot\n", "'type: esp'");
	wrong("size: 1G\nfilesystem: ext4\ncontents:\n- {to: /x}\n", "r:4:3: an entry of contents");
	wrong("size: 1G\nfilesystem: ext4\ncontents:\n- {copy: x}\n", "'copy' needs 'to'");
	wrong("size: 1G\nfilesystem: ext4\ncontents:\n- {copy: x, to: /x, mode: rwx}\n",
	      "'rwx' is not a mode");
	wrong("size: 1G\nfilesystem: ext4\nmodes: {/x: u+s}\n", "r:3:13: 'u+s' is not a mode");
	wrong("size: 1G\nfilesystem: ext4\nremove: [etc]\n", "'etc' must be an absolute pattern");
}

static void test_type_help(void **state)
{
	for (size_t i = 0; layout_type_words[i]; i++) {
		char *word cleanup_free = xasprintf(" %s%s", layout_type_words[i],
						    layout_type_words[i + 1] ? "," : " or");

		has(PARTITION_TYPE_HELP, word);
	}
}

/* ---- whole images ---- */

static struct tree *base(void)
{
	struct tree *t = sample();

	add(t, "boot/vmlinuz-6.12", "kernel");
	add(t, "boot/initrd.img-6.12", "initrd");
	add(t, "usr/lib/systemd/boot/efi/systemd-bootaa64.efi", "MZ");
	add(t, "etc/ssh/ssh_host_key", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n");
	add(t, "usr/share/doc/x/copyright", "c");
	return t;
}

static void test_file_system(void **state)
{
	struct tree *t cleanup_tree = base(), *back cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	const char *recipe =
		"size: 64M\nfilesystem: ext4\n"
		"contents:\n- {unpack: base}\n- {copy: rootfs/, to: /}\n"
		"- {copy: 'base:/usr/lib/systemd/system', to: /units, owner: '7:8'}\n"
		"- {copy: 'base:/boot/vmlinuz-6.12', to: /copies/}\n"
		"- {copy: 'pki:keyring.pem', to: /etc/rauc/, mode: '0640', owner: '0:5'}\n"
		"units: {enable: [app.service]}\n"
		"remove: [/etc/ssh/ssh_host_*, /usr/share/doc/**]\n"
		"modes: {/etc/secret: '0600'}\n";
	struct action a = action_new(&kind_image, "root", recipe);

	ok(tree_write_tar(t, at("base.tar"), &err), &err);
	put("rootfs/etc/secret", "s");
	put("rootfs/lib/tool", "#!");
	RUN("chmod", "755", "rootfs/lib/tool");
	put("blob", "keyring");
	input_add(&a, (struct action_input){.ref = "base",
					    .node = "base",
					    .type = INPUT_FILE,
					    .path = at("base.tar"),
					    .output = "root.tar"});
	input_add(&a, (struct action_input){
			      .ref = "rootfs/", .type = INPUT_FOLDER, .path = at("rootfs")});
	input_add(&a, (struct action_input){.ref = "base:/usr/lib/systemd/system",
					    .node = "base",
					    .type = INPUT_INSIDE,
					    .path = at("base.tar"),
					    .inside = "/usr/lib/systemd/system"});
	input_add(&a, (struct action_input){.ref = "base:/boot/vmlinuz-6.12",
					    .node = "base",
					    .type = INPUT_INSIDE,
					    .path = at("base.tar"),
					    .inside = "/boot/vmlinuz-6.12"});
	input_add(&a, (struct action_input){.ref = "pki:keyring.pem",
					    .node = "pki",
					    .type = INPUT_FILE,
					    .path = at("blob"),
					    .output = "keyring.pem"});
	ok(maker_image.run(&a, &err), &err);
	RUN("e2fsck", "-fn", (char *)action_output(&a, "root.img"));
	ok(ext4_read_tree(back, action_output(&a, "root.img"), 0, &err), &err);
	assert_int_equal(tree_lookup(back, "etc/secret")->inode->mode, S_IFREG | 0600);
	assert_int_equal(tree_lookup(back, "usr/lib/tool")->inode->mode, S_IFREG | 0755);
	assert_int_equal(tree_lookup(back, "etc/rauc/keyring.pem")->inode->mode, S_IFREG | 0640);
	assert_int_equal(tree_lookup(back, "etc/rauc/keyring.pem")->inode->gid, 5);
	assert_int_equal(tree_lookup(back, "units/app.socket")->inode->uid, 7);
	assert_non_null(tree_lookup(back, "copies/vmlinuz-6.12"));
	assert_non_null(tree_lookup(back, "etc/systemd/system/sockets.target.wants/app.socket"));
	assert_null(tree_lookup(back, "etc/ssh/ssh_host_key"));
	assert_non_null(tree_lookup(back, "usr/share/doc"));
	assert_null(tree_lookup(back, "usr/share/doc/x"));
	arena_free(a.arena);
}

static void test_key_in_content(void **state)
{
	struct tree *t cleanup_tree = base();
	struct err *err = NULL;
	struct action a = action_new(&kind_image, "root",
				     "size: 64M\nfilesystem: ext4\ncontents: [{unpack: base}]\n");

	ok(tree_write_tar(t, at("key.tar"), &err), &err);
	input_add(&a, (struct action_input){.ref = "base",
					    .node = "base",
					    .type = INPUT_FILE,
					    .path = at("key.tar")});
	refused(maker_image.run(&a, &err), &err, "'/etc/ssh/ssh_host_key' holds a private key");
	arena_free(a.arena);
}

static struct action build_image(const char *parts)
{
	char *recipe cleanup_free = xasprintf(
		"size: 128M\ntable: gpt\nbootloader: systemd-boot\ncmdline: console=ttyAMA0\n"
		"contents: [{unpack: base}]\nremove: [/etc/ssh/**]\npartitions:\n%s",
		parts);
	struct action a = action_new(&kind_image, "tests/build", recipe);

	input_add(&a, (struct action_input){.ref = "base",
					    .node = "base",
					    .type = INPUT_FILE,
					    .path = at("boot.tar")});
	return a;
}

static void test_partitions(void **state)
{
	struct tree *t cleanup_tree = base(), *back cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	struct gpt_parts parts = {0};
	struct digest one, two;
	const char *text =
		"- {name: esp, type: esp, size: 40M, filesystem: vfat, mount: /boot/efi}\n"
		"- {name: root, type: root-arm64, filesystem: ext4, mount: /, label: sys}\n";
	struct action a, b;
	char *dump cleanup_free = NULL, *entry cleanup_free = NULL, *want cleanup_free = NULL;
	char *source cleanup_free = NULL;

	ok(tree_write_tar(t, at("boot.tar"), &err), &err);
	a = build_image(text);
	ok(maker_image.run(&a, &err), &err);
	b = build_image(text);
	ok(maker_image.run(&b, &err), &err);
	ok(digest_file(action_output(&a, "build.img"), &one, &err), &err);
	ok(digest_file(action_output(&b, "build.img"), &two, &err), &err);
	assert_true(digest_eq(&one, &two));
	dump = OUTPUT("sfdisk", "--verify", (char *)action_output(&a, "build.img"));
	has(dump, "No errors");
	ok(gpt_read(action_output(&a, "build.img"), &parts, &err), &err);
	assert_int_equal(parts.count, 2);
	ok(ext4_read_tree(back, action_output(&a, "build.img"), parts.items[1].start, &err), &err);
	assert_non_null(tree_lookup(back, "boot/efi"));
	assert_int_equal(tree_lookup(back, "boot/efi")->children, 0);
	assert_non_null(tree_lookup(back, "boot/vmlinuz-6.12"));
	source = xasprintf("if=%s", action_output(&a, "build.img"));
	RUN("dd", source, "of=esp.img", "bs=1M", "skip=1", "count=40", "status=none");
	RUN("fsck.fat", "-n", "esp.img");
	entry = OUTPUT("mtype", "-i", "esp.img", "::loader/entries/edge-6.12.conf");
	want = xasprintf("options root=PARTUUID=%s rw console=ttyAMA0\n", parts.items[1].uuid);
	for (char *p = want + strlen("options root=PARTUUID="); *p != ' '; p++)
		*p = (char)(*p >= 'A' && *p <= 'F' ? *p + 32 : *p);
	has(entry, want);
	gpt_parts_clear(&parts);
	arena_free(a.arena);
	arena_free(b.arena);
}

static void test_content_without_partition(void **state)
{
	struct tree *t cleanup_tree = base();
	struct err *err = NULL;
	struct action a;

	ok(tree_write_tar(t, at("boot2.tar"), &err), &err);
	a = build_image("- {name: esp, type: esp, size: 40M, filesystem: vfat, mount: /boot/efi}\n"
			"- {name: data, type: linux-generic, filesystem: ext4}\n");
	refused(maker_image.run(&a, &err), &err, "no partition takes '/boot/initrd.img-6.12'");
	arena_free(a.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enable),
		cmocka_unit_test(test_disable),
		cmocka_unit_test(test_units_refused),
		cmocka_unit_test(test_bootloader),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_private_keys),
		cmocka_unit_test(test_packed_keys),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_tools),
		cmocka_unit_test(test_type_help),
		cmocka_unit_test(test_file_system),
		cmocka_unit_test(test_key_in_content),
		cmocka_unit_test(test_partitions),
		cmocka_unit_test(test_content_without_partition),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
