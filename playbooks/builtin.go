package playbooks

import (
	"sort"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
)

// builtinModules are the modules of ansible-core 2.14, by short name: what is
// among them and not in the catalogue is not supported yet, rather than unknown.
var builtinModules = setOf(strings.Fields(`
	add_host apt apt_key apt_repository assemble assert async_status blockinfile command copy cron debconf debug
	deb822_repository dnf dpkg_selections expect fail fetch file find gather_facts get_url getent git group group_by
	hostname include import_role import_tasks include_role include_tasks include_vars iptables known_hosts lineinfile
	meta mount_facts package package_facts pause ping pip raw reboot replace rpm_key script service service_facts
	set_fact set_stats setup shell slurp stat subversion systemd systemd_service sysvinit tempfile template unarchive
	uri user validate_argument_spec wait_for wait_for_connection yum yum_repository`)...)

// movedCollections list, by collection, modules that once belonged to Ansible
// itself and are still called by their short name.
var movedCollections = map[string]string{
	"ansible.posix": `acl at authorized_key firewalld mount patch seboolean selinux synchronize sysctl`,
	"ansible.windows": `win_acl win_certificate_store win_command win_copy win_dns_client win_domain win_domain_controller
		win_domain_membership win_dsc win_environment win_feature win_file win_find win_get_url win_group
		win_group_membership win_hostname win_optional_feature win_owner win_package win_path win_ping win_powershell
		win_reboot win_reg_stat win_regedit win_service win_service_info win_share win_shell win_stat win_tempfile
		win_template win_updates win_user win_user_right win_wait_for win_whoami`,
	"community.windows": `win_chocolatey win_disk_image win_eventlog win_file_version win_firewall win_firewall_rule
		win_iis_website win_lineinfile win_mapped_drive win_nssm win_partition win_psmodule win_robocopy win_scheduled_task
		win_timezone win_unzip`,
	"community.general": `alternatives apache2_module apk archive bower bundler capabilities composer cpanm cronvar
		datadog_event dconf deploy_helper dnsmadeeasy django_manage easy_install ejabberd_user filesystem flatpak gem
		git_config github_release gitlab_project gitlab_user grafana_dashboard gunicorn haproxy hipchat homebrew
		homebrew_cask homebrew_tap htpasswd icinga2_host ini_file interfaces_file ipa_user ipify_facts ipmi_power
		iso_extract jabber java_cert java_keystore jenkins_job jenkins_plugin jira kernel_blacklist kibana_plugin ldap_attr
		ldap_entry listen_ports_facts lldp locale_gen logentries lvg lvol lxc_container lxd_container mail make
		mattermost modprobe monit nagios newrelic_deployment nmcli nomad_job npm nsupdate ohai open_iscsi openbsd_pkg
		opkg osx_defaults pacman pam_limits pamd parted pear pids pipx pkg5 pkgin pkgng portage proxmox puppet python_requirements_info
		rabbitmq_publish read_csv redhat_subscription redis rhsm_repository riak rocketchat rundeck_job runit
		say seport sefcontext selogin sensu_check slack slackpkg snap snmp_facts solaris_zone sorcery statusio_maintenance
		sudoers supervisorctl svc syspatch syslogger telegram terraform timezone twilio ufw urpmi vertica_db xattr xbps
		xfs_quota xml yarn zfs zypper zypper_repository`,
	"community.crypto": `acme_account acme_certificate get_certificate luks_device openssh_cert openssh_keypair
		openssl_certificate openssl_certificate_info openssl_csr openssl_csr_info openssl_dhparam openssl_pkcs12
		openssl_privatekey openssl_privatekey_info openssl_publickey x509_certificate x509_certificate_info`,
	"community.docker": `docker_compose docker_config docker_container docker_container_info docker_host_info docker_image
		docker_image_info docker_login docker_network docker_network_info docker_node docker_node_info docker_prune
		docker_secret docker_stack docker_swarm docker_swarm_info docker_swarm_service docker_volume docker_volume_info`,
	"community.mysql": `mysql_db mysql_info mysql_query mysql_replication mysql_user mysql_variables`,
	"community.postgresql": `postgresql_copy postgresql_db postgresql_ext postgresql_idx postgresql_info postgresql_lang
		postgresql_owner postgresql_pg_hba postgresql_ping postgresql_privs postgresql_query postgresql_schema
		postgresql_sequence postgresql_set postgresql_slot postgresql_table postgresql_tablespace postgresql_user`,
	"community.mongodb":     `mongodb_parameter mongodb_replicaset mongodb_user`,
	"community.rabbitmq":    `rabbitmq_binding rabbitmq_exchange rabbitmq_parameter rabbitmq_plugin rabbitmq_policy rabbitmq_queue rabbitmq_user rabbitmq_vhost`,
	"community.zabbix":      `zabbix_action zabbix_group zabbix_host zabbix_hostmacro zabbix_template`,
	"community.aws":         `aws_s3_bucket_info ecs_cluster ecs_service ecs_task iam iam_role lambda route53_zone sns`,
	"amazon.aws":            `aws_s3 cloudformation ec2 ec2_ami ec2_elb_lb ec2_group ec2_instance ec2_key ec2_tag ec2_vol ec2_vpc_net ec2_vpc_subnet route53 s3_bucket`,
	"community.vmware":      `vmware_guest vmware_guest_facts vmware_guest_info vmware_guest_powerstate vmware_host`,
	"community.libvirt":     `virt virt_net virt_pool`,
	"kubernetes.core":       `helm helm_info helm_repository k8s k8s_exec k8s_facts k8s_info k8s_scale`,
	"containers.podman":     `podman_container podman_image podman_volume`,
	"openstack.cloud":       `os_image os_keypair os_network os_port os_router os_security_group os_server os_subnet os_user`,
	"google.cloud":          `gcp_compute_instance gcp_compute_network gcp_storage_bucket`,
	"azure.azcollection":    `azure_rm_resourcegroup azure_rm_virtualmachine azure_rm_virtualnetwork`,
	"cisco.ios":             `ios_command ios_config ios_facts`,
	"cisco.nxos":            `nxos_command nxos_config nxos_facts`,
	"arista.eos":            `eos_command eos_config eos_facts`,
	"junipernetworks.junos": `junos_command junos_config junos_facts`,
	"vyos.vyos":             `vyos_command vyos_config vyos_facts`,
	"f5networks.f5_modules": `bigip_command bigip_node bigip_pool bigip_pool_member bigip_virtual_server`,
}

// movedModules maps such a short name to the full one.
var movedModules = func() map[string]string {
	m := map[string]string{}
	for collection, list := range movedCollections {
		for _, name := range strings.Fields(list) {
			m[name] = collection + "." + name
		}
	}
	return m
}()

// structuralNames are the actions that belong to the language.
var structuralNames = sortedKeys(structural)

// moduleNames is for "did you mean" when there is no catalogue.
var moduleNames = append(sortedKeys(builtinModules), sortedKeys(movedModules)...)

// lookupNames are the lookups of ansible-core, for with_NAME.
var lookupNames = setOf(strings.Fields(`
	config csvfile dict env file fileglob first_found indexed_items ini inventory_hostnames items lines list nested
	password pipe random_choice sequence subelements template together unvault url varnames vars
	cartesian chef_databag consul_kv credstash cyberarkpassword dig dnstxt etcd flattened hashi_vault hiera k8s
	keyring lastpass mongodb nios nios_next_ip nios_next_network onepassword passwordstore redis_kv shelvefile`)...)

// nearestWith proposes a with_NAME; the names are compared without the prefix,
// which would count as likeness.
func nearestWith(name string) say.Text {
	if near := diag.Nearest(name, sortedKeys(lookupNames)); near != "" {
		return say.T("did you mean '%s'?", "'%s'{을/를} 쓰려던 것인가요?", "with_"+near)
	}
	return say.T("use loop", "loop를 쓰세요")
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// knownLookup reports whether with_NAME can be meant: one of Ansible's, one of
// a collection, or a plugin beside the playbook or its roles.
func (c *place) knownLookup(name string) bool {
	if lookupNames[shortName(name)] || (strings.Count(name, ".") >= 2 && isDotted(name)) {
		return true
	}
	for _, base := range c.pluginBases() {
		if c.dirNames(base + "/lookup_plugins")[name+".py"] {
			return true
		}
	}
	return false
}
