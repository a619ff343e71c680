-- Contract: after every replica is of the next release, the old column goes.
drop trigger violation_case_state on violation;
drop function copy_case_state();
alter table violation alter column case_state set not null, drop column state;
