-- An application is compared as it is at a version. Rows from before have version 0, which matches no application.
alter table coverage add column version int not null default 0;
alter table coverage alter column version drop default;
