# Makes the databases that redminetest copies: plain.db with Redmine's own
# default data in English, and fields.db with custom fields besides. Run once by
# Rails' runner, on an empty database.
ActiveRecord::Migration.verbose = false
ActiveRecord::Base.connection.migration_context.migrate
ActiveRecord::Base.descendants.each { |model| model.reset_column_information unless model.abstract_class? }
Redmine::DefaultData::Loader.load('en')

Setting.rest_api_enabled = '1'
Setting.text_formatting = 'common_mark'
Setting.default_language = 'en'
# Mails go nowhere here, yet Redmine would write each one, which takes longer than
# what it is about.
Setting.notified_events = []

admin = User.find_by_login('admin')
admin.password = admin.password_confirmation = 'rialto-admin'
admin.must_change_passwd = false
admin.language = 'en'
admin.save!
File.write(ENV.fetch('RIALTO_KEY_FILE'), admin.api_key)

database = ActiveRecord::Base.connection_db_config.database
FileUtils.cp(database, ENV.fetch('RIALTO_PLAIN'))

def field(name, format, more = {})
  IssueCustomField.create!({ :name => name, :field_format => format, :is_for_all => true, :is_filter => true,
                             :visible => true, :editable => true, :tracker_ids => Tracker.ids }.merge(more))
end

field('Rialto', 'text')
labels = field('Labels', 'enumeration', :multiple => true)
%w[Design Éclair 日本].each_with_index { |name, i| labels.enumerations.create!(:name => name, :position => i + 1) }
field('Severity', 'list', :possible_values => %w[Minor Major])
field('Effort', 'float')
field('Checked', 'bool')
field('Reviewed', 'date')
field('Colours', 'list', :possible_values => %w[Red Green Blue], :multiple => true)
FileUtils.cp(database, ENV.fetch('RIALTO_FIELDS'))

Setting.notified_events = %w[issue_added issue_updated]
FileUtils.cp(database, ENV.fetch('RIALTO_MAILS'))
